"""
Declarations of channels: ways to people and systems outside, such as text messages.

`channels.json` names each channel, which is a topic of service tasks too, and the connector that takes out what is
sent through it: `log` only writes and shows it, `http` hands it to a server. Where that server is, and what nobody
should read, are settings of the installation; a declaration only names them. What a declaration says and nobody would
follow is refused.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database.models import Definition
from casepath.engine.deployments import definitions, registers
from casepath.engine.deployments.registers import Register
from casepath.engine.expressions import Expression, compile_expression
from casepath.engine.forms import Form
from casepath.engine.phrases import Phrase

#: Of what is wrong with a declaration.
CODE = "channel"
FILE = "channels.json"
METHODS = ("POST", "PUT", "PATCH")
#: What each connector is told, beside what is told to all, and what of it each has to be told.
OF_CONNECTORS: Mapping[str, tuple[str, ...]] = {
    "log": (),
    "http": ("method", "body", "signature", "accepted", "again", "number"),
}
REQUIRED: Mapping[str, tuple[str, ...]] = {"log": (), "http": ("setting", "body")}
TEXTS = ("id", "name", "name_en", "connector", "setting", "number")
OBJECTS = ("recipients", "messages", "starts", "signature", "accepted", "again")
OF_ALL = ("id", "name", "name_en", "connector", "setting", "recipients", "messages", "starts", "public")
#: What the parts of a declaration may say; those of what is sent and answered name what the other side has.
PARTS: Mapping[str, tuple[str, ...]] = {
    "recipients": ("register", "address", "consent"),
    "messages": ("reply", "recording"),
    "starts": ("process", "number", "values"),
    "signature": ("text", "name", "place", "encoding", "timestamp"),
}
#: What a part has to say.
OF_PARTS: Mapping[str, tuple[str, ...]] = {
    "recipients": ("register", "address"),
    "starts": ("process",),
    "signature": ("text", "name"),
}
PLACES, ENCODINGS = ("query", "header"), ("base64", "hex")
#: What a body may name without a variable: the address, the text, the key under which it goes out once, the moment.
KNOWN = frozenset({"to", "text", "key", "at", "number"})
#: What is signed may name.
SIGNED = frozenset({"timestamp", "secret", "body"})
_keys = select(Definition.key).where(Definition.kind == "channel").distinct().order_by(Definition.key)


@dataclass(frozen=True, kw_only=True)
class Recipients:
    """The register whose records can be written to."""

    register: str
    #: The field that holds the address.
    address: str
    #: The field that says whether somebody wants to be written to; empty: nobody is asked.
    consent: str = ""


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What proves to a server who sends: an HMAC by SHA-256 with the secret of the setting."""

    #: What is signed.
    text: Expression
    #: Name of the parameter, or header, that holds it.
    name: str
    place: str = "query"
    encoding: str = "base64"
    #: Name of the parameter, or header, that holds the moment in milliseconds; empty: it is not sent.
    timestamp: str = ""


@dataclass(frozen=True, kw_only=True)
class Starts:
    """The process that each item of another system starts."""

    process: str
    #: The variable that is the number of the item; empty: the number is the business key.
    number: str = ""
    #: Variables that each has, whatever the item says.
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A way out, as it was declared."""

    key: str
    name: str
    name_en: str = ""
    connector: str
    #: Under which the settings have address, headers, secrets.
    setting: str = ""
    recipients: Recipients | None = None
    #: Kind of what comes in → the name of the message that moves whoever waits for it.
    messages: Mapping[str, str] = field(default_factory=dict)
    starts: Starts | None = None
    #: Whether everybody may send what it starts with, by the start form of the process.
    is_public: bool = False
    method: str = "POST"
    #: JSON whose texts have expressions.
    body: Any = None
    signature: Signature | None = None
    #: What the answer must say to be a yes, by its fields; and what it says where it should be tried again.
    accepted: Mapping[str, Any] = field(default_factory=dict)
    again: Mapping[str, Any] = field(default_factory=dict)
    #: The field of the answer that says what the other side calls it.
    number: str = ""

    @property
    def variables(self) -> frozenset[str]:
        """The variables of the process that the body names."""
        return frozenset().union(*(each.names for each in expressions(self.body))) - KNOWN


def expressions(body: Any) -> Iterator[Expression]:
    """Yield each expression in the texts of a body; raises `ExpressionError` at the first that cannot be read."""
    if isinstance(body, str):
        yield compile_expression(body)
    elif isinstance(body, Mapping):
        for each in body.values():
            yield from expressions(each)
    elif isinstance(body, list):
        for each in body:
            yield from expressions(each)


#: What of a declaration is more than a text.
_PARSED = ("recipients", "signature", "starts")


def parse(declaration: Mapping[str, Any]) -> Channel:
    """Return the channel of a declaration that the deployment check has accepted."""
    recipients, signature, starts = (declaration.get(name) for name in _PARSED)
    rest = {name: declaration[name] for name in declaration.keys() - {"id", "public", *_PARSED}}
    return Channel(
        key=declaration["id"],
        is_public=declaration.get("public", False),
        recipients=Recipients(**recipients) if recipients is not None else None,
        starts=Starts(**starts) if starts is not None else None,
        signature=Signature(**{**signature, "text": compile_expression(signature["text"])}) if signature else None,
        **rest,
    )


def declared(session: Session, key: str) -> Channel:
    """Return the newest version of a channel; raises `NotFound`."""
    try:
        found = definitions.latest(session, "channel", key)
    except errors.NotFound:
        raise errors.NotFound("channel", key) from None
    return definitions.declaration(session, found, lambda file: _of_file(file, key))


def _of_file(content: bytes, key: str) -> Channel:
    return next(parse(each) for each in json.loads(content)["channels"] if each["id"] == key)


def keys(session: Session) -> list[str]:
    """Return the keys of all channels, each of which is a topic."""
    return list(session.scalars(_keys))


def read(file: str, declaration: Mapping[str, Any]) -> list[Channel]:
    """Return the channels of a file; raises `DeploymentRefused` with all that is wrong with what it says itself."""
    listed = declaration.get("channels")
    if declaration.keys() != {"channels"} or not isinstance(listed, list) or not listed:
        wrong = _finding(file, "", "Expected a list of channels as “channels” and nothing else")
        raise errors.DeploymentRefused([wrong])
    findings = [finding for each in listed for finding in _misshapen(file, each)]
    if findings:
        raise errors.DeploymentRefused(findings)
    return [parse(each) for each in listed]


def _misshapen(file: str, declaration: Any) -> Iterator[errors.Finding]:
    if not isinstance(declaration, dict) or not isinstance(declaration.get("id"), str):
        yield _finding(file, "", "Expected an object with an “id” for each channel")
        return
    key, connector = declaration["id"], str(declaration.get("connector", ""))
    if connector not in OF_CONNECTORS:
        yield _finding(
            file,
            key,
            "Expected one of the connectors {known}, but found “{found}”",
            known=tuple(OF_CONNECTORS),
            found=connector,
        )
        return
    known = (*OF_ALL, *OF_CONNECTORS[connector])
    for entry in sorted(declaration.keys() - set(known)):
        yield _finding(file, key, "Expected only {known}, but found “{entry}”", known=known, entry=entry)
    for entry in ("name", *REQUIRED[connector]):
        if not declaration.get(entry):
            yield _finding(file, key, "Expected “{entry}”, but it is not there", entry=entry)
    for entry, value in declaration.items():
        if entry in TEXTS and not (isinstance(value, str) and value):
            yield _finding(file, key, "Expected a text as “{entry}”, but found {found}", entry=entry, found=repr(value))
        elif entry in OBJECTS:
            yield from _misshapen_part(file, key, entry, value)
    if not isinstance(declaration.get("public", False), bool):
        found = repr(declaration["public"])
        yield _finding(file, key, "Expected true or false as “{entry}”, but found {found}", entry="public", found=found)
    elif declaration.get("public") and "starts" not in declaration:
        yield _finding(file, key, "Expected “{entry}”, but it is not there", entry="starts")
    if declaration.get("method", "POST") not in METHODS:
        yield _finding(
            file,
            key,
            "Expected one of {known} as “{entry}”, but found “{found}”",
            known=METHODS,
            entry="method",
            found=declaration["method"],
        )
    if "body" in declaration:
        yield from _unreadable(file, key, "body", declaration["body"], None)


def _misshapen_part(file: str, key: str, entry: str, value: Any) -> Iterator[errors.Finding]:
    """Find what is wrong with an object in a declaration."""
    if not isinstance(value, dict):
        yield _finding(file, key, "Expected an object as “{entry}”, but found {found}", entry=entry, found=repr(value))
        return
    if entry not in PARTS:
        return
    for name in sorted(value.keys() - set(PARTS[entry])):
        yield _finding(file, key, "Expected only {known}, but found “{entry}”", known=PARTS[entry], entry=name)
    for name in OF_PARTS.get(entry, ()):
        if name not in value:
            yield _finding(file, key, "Expected “{entry}”, but it is not there", entry=f"{entry}.{name}")
    for name, text in value.items():
        if (entry, name) == ("starts", "values"):
            if not _are_constants(text):
                said = "Expected an object of texts, numbers, true and false as “{entry}”, but found {found}"
                yield _finding(file, key, said, entry="starts.values", found=repr(text))
        elif not (isinstance(text, str) and text):
            yield _finding(
                file, key, "Expected a text as “{entry}”, but found {found}", entry=f"{entry}.{name}", found=repr(text)
            )
    for name, allowed in (("place", PLACES), ("encoding", ENCODINGS)):
        if entry == "signature" and value.get(name, allowed[0]) not in allowed:
            yield _finding(
                file,
                key,
                "Expected one of {known} as “{entry}”, but found “{found}”",
                known=allowed,
                entry=f"signature.{name}",
                found=value[name],
            )
    if entry == "signature" and isinstance(value.get("text"), str):
        yield from _unreadable(file, key, "signature.text", value["text"], SIGNED)


def _are_constants(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str | int | float) for each in value.values())


def _unreadable(file: str, key: str, entry: str, body: Any, names: frozenset[str] | None) -> Iterator[errors.Finding]:
    """Find an expression that cannot be read, or that names what is not there."""
    try:
        found = list(expressions(body))
    except errors.ExpressionError as error:
        yield _finding(file, key, "The text of “{entry}” cannot be read: {reason}", entry=entry, reason=error.phrase)
        return
    for name in sorted(set().union(*(each.names for each in found)) - names) if names is not None else ():
        yield _finding(file, key, "Expected only {known}, but found “{entry}”", known=sorted(names or ()), entry=name)


def unfit(
    session: Session,
    named: Iterable[tuple[str, Channel]],
    coming: Iterable[Register],
    processes: Collection[str],
    sources: Mapping[str, bytes],
) -> Iterator[errors.Finding]:
    """
    Yield what channels, beside their files, name and is not there; a process may still come.

    `coming` are the registers and `processes` the keys of the processes that come with them, `sources` the forms, by
    their keys; what came before counts as well.
    """
    there = {register.key: register for register in coming}
    for file, channel in named:
        if channel.starts is not None:
            yield from _unknown_process(session, file, channel.key, channel.starts.process, processes)
        wanted = channel.recipients
        if wanted is None:
            continue
        try:
            register = there.get(wanted.register) or registers.declared(session, wanted.register)
        except errors.NotFound:
            yield _finding(
                file,
                channel.key,
                "Expected a register, but found “{register}”, which is not there",
                register=wanted.register,
            )
            continue
        form = definitions.coming_form(session, register.form, sources)
        if form is not None:
            yield from _unfit_fields(file, channel.key, wanted, register.form, form)


def _unknown_process(
    session: Session, file: str, channel: str, key: str, coming: Collection[str]
) -> Iterator[errors.Finding]:
    deployed = select(Definition.id).where(Definition.kind == "process", Definition.key == key).limit(1)
    if key not in coming and session.scalar(deployed) is None:
        phrase = Phrase("Expected a process that is there, but nobody has '{key}'", key=key)
        yield errors.Finding(level="warning", code="unknown-process", file=file, element_id=channel, phrase=phrase)


def _unfit_fields(file: str, channel: str, wanted: Recipients, named: str, form: Form) -> Iterator[errors.Finding]:
    types = {each.key: each.type for each in form.fields}
    for entry, name in (("address", wanted.address), ("consent", wanted.consent)):
        if name and name not in types:
            text = "Expected a field of the form “{form}” as “{entry}”, but found “{found}”"
        elif entry == "consent" and name and types[name] != "checkbox":
            text = "Expected a checkbox of the form “{form}” as “{entry}”, but found “{found}”"
        else:
            continue
        yield _finding(file, channel, text, form=named, entry=entry, found=name)


def _finding(file: str, channel: str, text: str, /, **facts: object) -> errors.Finding:
    return errors.Finding(code=CODE, file=file, element_id=channel, phrase=Phrase(text, **facts))
