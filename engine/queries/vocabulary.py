"""What variables and their values are called: by the forms, by the texts of the deployments, by the names of groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlalchemy.orm import Session

from casepath.engine.deployments import definitions
from casepath.engine.forms import TEXTS, Form, Words
from casepath.engine.queries import deployed, people
from casepath.engine.queries.deployed import Sayings

#: The language of forms and groups that has no other name: Chinese.
OWN = "zh"
#: Vocabularies that are kept: two languages for the forms of each process of a house.
KEPT = 128


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The words of one language."""

    #: Variable → what it is called; those of the forms that were asked for first, in their order.
    labels: Mapping[str, str]
    #: Variable → value → what it is called.
    options: Mapping[str, Mapping[str, str]]
    #: Variables that hold what people wrote: what stands there is nobody's key.
    written: frozenset[str]
    #: Variables that hold telephone numbers.
    phones: frozenset[str]
    #: Value → what it is called, where all variables that have it call it the same.
    agreed: Mapping[str, str]
    #: Keys of groups → what they are called.
    groups: Mapping[str, str]

    def values(self, name: str) -> Mapping[str, str]:
        """Return what the values of a variable are called: its options, else the groups that it may name."""
        return self.options.get(name, {} if name in self.written else self.groups)


def of(session: Session, language: str, *, forms: Iterable[Form] = ()) -> Vocabulary:
    """
    Return what things are called in a language, `zh` or `en`: by these forms first, then by the newest of all.

    Of what a value is called, the texts of the deployments have the last word.
    """
    place = 0 if language == OWN else 1
    groups = {key: names[place] for key, names in people.group_names(session).items()}
    every = tuple(dict.fromkeys((*forms, *definitions.latest_forms(session))))
    return replace(_said(every, deployed.words(session, language), language), groups=groups)


@lru_cache(maxsize=KEPT)
def _said(forms: tuple[Form, ...], sayings: Sayings, language: str) -> Vocabulary:
    """Each page, notice and paper asks for it, and it changes with deployments only."""
    labels: dict[str, str] = {}
    options: dict[str, dict[str, str]] = {}
    written: set[str] = set()
    phones: set[str] = set()
    for form in forms:
        for field in form.fields:
            if field.type in TEXTS and field.key not in labels:
                written.add(field.key)
            if field.validation_type == "phone":
                phones.add(field.key)
            labels.setdefault(field.key, said(field.label, language) or field.key)
            if offered := (*field.former, *field.options):
                choices = {option.value: said(option.label, language) for option in offered}
                options[field.key] = choices | options.get(field.key, {})
    for (name, value), text in sayings.texts.items():
        if value is None:
            labels[name] = text
        else:
            options.setdefault(name, {})[value] = text
    return Vocabulary(
        labels=labels,
        options=options,
        written=frozenset(written),
        phones=frozenset(phones),
        agreed=_agreed(options),
        groups={},
    )


def _agreed(options: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for choices in options.values():
        for value, text in choices.items():
            found.setdefault(value, set()).add(text)
    return {value: next(iter(texts)) for value, texts in found.items() if len(texts) == 1}


def said(words: Words, language: str) -> str:
    """Return a text of a form in a language."""
    return words.text if language == OWN else str(words)
