"""Reads a `groups.json`: the groups of a house with what they see and distribute, and the people who belong to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from casepath.engine import errors
from casepath.engine.people import authorization
from casepath.engine.people.account_rules import LANGUAGES


@dataclass(frozen=True, kw_only=True)
class GroupEntry:
    """A group as the file describes it."""

    key: str
    name: str
    name_en: str
    sees_all: bool = False
    #: Keys of the groups whose user tasks its people hand on.
    distributes: tuple[str, ...] = ()


#: The engine's own groups.
ROLES = (
    GroupEntry(key=authorization.ADMINISTRATOR, name="系统管理员", name_en="Administrators"),
    GroupEntry(key=authorization.AUDITOR, name="审计员", name_en="Auditors"),
    GroupEntry(key=authorization.OPERATOR, name="运维人员", name_en="Operators"),
    GroupEntry(key=authorization.PROCESS_OWNER, name="流程负责人", name_en="Process owners"),
)


@dataclass(frozen=True, kw_only=True)
class PersonEntry:
    """A person as the file describes it."""

    username: str
    name: str
    email: str | None
    language: str
    groups: tuple[str, ...]


def read(people: Mapping[str, Any]) -> tuple[list[GroupEntry], list[PersonEntry]]:
    """Return what stands under `groups` and `people`; raises `InvalidInput` where the file has another shape."""
    return [_group(entry) for entry in _entries(people, "groups")], [_person(e) for e in _entries(people, "people")]


def _group(entry: Mapping[str, Any]) -> GroupEntry:
    return GroupEntry(
        key=_text(entry, "key"),
        name=_text(entry, "name"),
        name_en=_text(entry, "name_en", "nameEn", required=False),
        sees_all=bool(entry.get("sees_all", entry.get("seesAll", entry.get("sees") == "all"))),
        distributes=_keys(entry, "distributes"),
    )


def _person(entry: Mapping[str, Any]) -> PersonEntry:
    return PersonEntry(
        username=_text(entry, "username"),
        name=_text(entry, "name"),
        email=_text(entry, "email", required=False) or None,
        language=_text(entry, "language", required=False) or LANGUAGES[0],
        groups=_keys(entry, "groups"),
    )


def _entries(people: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    entries = people.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise errors.InvalidInput("Expected a list of objects under '{key}'", key=key)
    return entries


def _keys(entry: Mapping[str, Any], name: str) -> tuple[str, ...]:
    keys = entry.get(name, [])
    if not isinstance(keys, list):
        raise errors.InvalidInput("Expected a list under '{key}', but found {found}", key=name, found=entry)
    return tuple(str(key) for key in keys)


def _text(entry: Mapping[str, Any], *keys: str, required: bool = True) -> str:
    found = next((entry[key] for key in keys if entry.get(key) is not None), "")
    if not isinstance(found, str) or (required and not found):
        raise errors.InvalidInput("Expected a text under '{key}', but found {found}", key=keys[0], found=entry)
    return found
