"""Proxies in front: only those that the operator names may say who the caller is and what was asked for."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from casepath.settings import Network

Application = Callable[..., Iterable[bytes]]

#: What the nearest proxy says beside the address of the caller, and where a WSGI server would have put it.
TOLD = {
    "HTTP_X_FORWARDED_PROTO": "wsgi.url_scheme",
    "HTTP_X_FORWARDED_HOST": "HTTP_HOST",
}


def believing(application: Application, networks: Sequence[Network]) -> Application:
    """
    Return the application behind trusted proxies.

    The caller is the last address of `X-Forwarded-For` that is none of theirs: what stands before it, anybody may have
    written. From any other address the headers mean nothing.
    """

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if is_in(environ.get("REMOTE_ADDR", ""), networks):
            for address in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
                if not is_address(address.strip()):
                    break
                environ["REMOTE_ADDR"] = address.strip()
                if not is_in(address.strip(), networks):
                    break
            for header, place in TOLD.items():
                if told := environ.get(header, "").rpartition(",")[2].strip():
                    environ[place] = told
        return application(environ, start_response)

    return answer


def is_in(address: str, networks: Sequence[Network]) -> bool:
    """Tell whether an address belongs to one of the networks."""
    return is_address(address) and any(ipaddress.ip_address(address) in network for network in networks)


def is_address(text: str) -> bool:
    """Tell whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
