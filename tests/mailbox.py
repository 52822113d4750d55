"""A mail server that keeps what it is given, for tests of what sends e-mail."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage


class _Handler(socketserver.StreamRequestHandler):
    """Speaks as much SMTP as a client needs to hand over messages."""

    server: Mailbox

    def handle(self) -> None:
        self.say("220 mailbox")
        for line in self.rfile:
            word = line.strip().upper()[:4]
            if word == b"DATA":
                self.say("354 go on")
                self.server.keep(self.body())
                self.say("250 kept")
            elif word == b"QUIT":
                self.say("221 bye")
                return
            elif word == b"RCPT" and self.server.refused in line:
                self.say("550 no such box")
            else:
                self.say("250 yes")

    def say(self, text: str) -> None:
        """Answer with a line."""
        self.wfile.write(f"{text}\r\n".encode())

    def body(self) -> bytes:
        """Read a message up to its end."""
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)


class Mailbox(socketserver.ThreadingTCPServer):
    """Listens on a free port of this machine."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.messages: list[EmailMessage] = []
        #: Recipients with this in their address are refused.
        self.refused = b"nobody@"

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def keep(self, content: bytes) -> None:
        """Keep a message."""
        self.messages.append(message_from_bytes(content, policy=policy.default))


@contextmanager
def open_mailbox() -> Iterator[Mailbox]:
    """Yield a mailbox that listens until it is left."""
    with Mailbox() as box:
        thread = threading.Thread(target=box.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield box
        box.shutdown()
        thread.join()


@contextmanager
def open_silent_server() -> Iterator[int]:
    """Yield the port of a server that accepts connections and says nothing, until it is left."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # Connections that wait in the backlog are established: nobody needs to accept them.
        yield int(listening.getsockname()[1])
