"""A mail server that keeps what it is given, for tests of what sends e-mail."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage


def nothing() -> None:
    """Do what is done where nothing else is asked for."""


class _Handler(socketserver.StreamRequestHandler):
    """Speaks as much SMTP as a client needs to hand over messages."""

    server: Mailbox

    def handle(self) -> None:
        self.say("220 mailbox")
        for line in self.rfile:
            word = line.strip().upper()[:4].decode()
            self.server.before.get(word, nothing)()
            if word == "EHLO":
                self.say("\r\n".join(f"250-{each}" for each in self.server.extensions) + "\r\n250 HELP")
            elif word == "DATA" and word not in self.server.answers:
                self.say("354 go on")
                content = self.body()
                if content is None:
                    return
                self.server.keep(content)
                self.server.before.get("KEPT", nothing)()
                if self.server.vanishes:
                    return
                self.say(self.server.answers.get("KEPT", "250 kept"))
            elif word == "QUIT":
                self.say("221 bye")
                return
            elif word == "RCPT" and self.server.refused in line:
                self.say("550 no such box")
            elif word == "RCPT" and self.server.later in line:
                self.say("450 not now")
            else:
                self.say(self.server.answers.get(word, "250 yes"))

    def say(self, text: str) -> None:
        """Answer with a line."""
        with suppress(OSError):
            # A client that was killed hears nothing.
            self.wfile.write(f"{text}\r\n".encode())

    def body(self) -> bytes | None:
        """Read a message up to its end; None where the client goes away before."""
        lines: list[bytes] = []
        for line in self.rfile:
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b"..") else line)
        return None


class Mailbox(socketserver.ThreadingTCPServer):
    """Listens on a free port of this machine."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.messages: list[EmailMessage] = []
        #: The same as they came.
        self.contents: list[bytes] = []
        #: Recipients with this in their address are refused.
        self.refused = b"nobody@"
        #: … for the moment.
        self.later = b"later@"
        #: What is answered to a command, instead of a yes; to the end of a message under `KEPT`.
        self.answers: dict[str, str] = {}
        self.extensions = ["mailbox", "8BITMIME", "SMTPUTF8"]
        #: Whether it keeps a message and then goes away without an answer.
        self.vanishes = False
        #: Called before a command is answered, and before the end of a message under `KEPT`.
        self.before: dict[str, Callable[[], object]] = {}

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def keep(self, content: bytes) -> None:
        """Keep a message."""
        self.contents.append(content)
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
