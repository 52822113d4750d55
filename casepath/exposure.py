"""What has to be right before the pages are served to other machines than this one."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from casepath.settings import MIN_SECRET, Settings


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach an address; a name counts when it is `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def objections(settings: Settings, *, demo_people: list[str], public_demo: bool) -> Iterator[str]:
    """
    Yield in a sentence each what forbids to serve these pages to other machines; nothing for an address of this one.

    `demo_people` are users whose password is known to everybody; `public_demo` says that this is wanted.
    """
    if is_loopback(settings.host):
        return
    if not settings.public_url:
        yield "Expected public_url, the address under which people reach the pages, but it is not set"
    elif not settings.is_https and not settings.plain_http:
        yield (
            f"Expected https in public_url, but found {settings.public_url}: passwords would be readable on the way. "
            "Put a proxy with TLS in front, or set plain_http where the network is your own"
        )
    secret = settings.secret_key.get_secret_value()
    if secret and len(secret) < MIN_SECRET:
        yield f"Expected a secret_key of at least {MIN_SECRET} characters, or none, but found one of {len(secret)}"
    if demo_people and not public_demo:
        yield (
            f"Expected no people of the demo, whose password everybody knows, but found {len(demo_people)} "
            f"({', '.join(demo_people[:3])} …). Say --public where it is meant as a demonstration"
        )


def warnings(settings: Settings) -> Iterator[str]:
    """Yield what looks wrong and need not be."""
    if settings.is_https and not settings.trusted_proxies:
        yield "public_url is https but trusted_proxies is empty: all who log in seem to come from the proxy's address"
    if any(network.prefixlen == 0 for network in settings.proxies):
        yield "trusted_proxies is the whole internet: whoever reaches this port without the proxy names any address"
