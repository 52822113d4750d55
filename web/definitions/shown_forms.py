"""Forms as process owners know them: by what stands above them and the steps in which they are filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from casepath.engine.deployments import definitions
from casepath.engine.queries import deployed, versions
from casepath.engine.queries.versions import Version
from casepath.web import forms, languages

#: How a heading is written in the Markdown of a text.
HEADING = "#"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A step in which a form is filled in, in the newest version of its process."""

    process_key: str
    process: str
    step: str


@dataclass(frozen=True, kw_only=True)
class ShownForm:
    """A form with its title and places."""

    version: Version
    title: str
    file: str
    places: Sequence[Place] = field(default_factory=list)


def places(session: Session) -> dict[str, list[Place]]:
    """Return where forms are filled in, by their keys."""
    language = languages.of_names()
    found: dict[str, list[Place]] = {}
    for process in definitions.list_definitions(session, "process"):
        if process.executable:
            texts = deployed.texts(session, process.id, language)
            name = texts.called(process.key, process.name or process.key)
            used = {element_id: (step, key) for element_id, step, key in definitions.form_keys(session, process.id)}
            reported = definitions.start_forms(session, process.id).items()
            used |= {each: (texts.names.get(each, name), key) for each, key in reported if each not in used}
            for element_id, (step, key) in used.items():
                place = Place(process_key=process.key, process=name, step=texts.called(element_id, step))
                found.setdefault(key, []).append(place)
    return found


def shown(session: Session, version: Version, used: Mapping[str, Sequence[Place]]) -> ShownForm:
    """Return a form with its title: the heading with which it begins, else the steps in which it is filled in."""
    where = used.get(version.key, ())
    form = definitions.form(session, version.key, version.id)
    first = next(iter(forms.fields(form, every=True)), None) if form else None
    stands_above = first is not None and first.type == "text" and not first.is_conditional
    text = first.text if first is not None and stands_above else ""
    heading = text.splitlines()[0].strip() if text.startswith(HEADING) else ""
    steps = " / ".join(dict.fromkeys(place.step for place in where))
    title = heading.lstrip(HEADING).strip() or steps or version.key
    return ShownForm(version=version, title=title, file=versions.file_name(session, version.id), places=where)
