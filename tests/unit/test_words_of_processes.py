"""What the gateways and tables of `processes/` read and answer has words for people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from casepath.engine import forms
from casepath.engine.decisions import dmn

PROCESSES = Path(__file__).resolve().parents[2] / "processes"


def test_variables__have_words_in_both_languages() -> None:
    """What gateways and tables read and answer is told in words: by a form, else by the texts."""
    spoken = {language: words_for_variables(language) for language in ("zh", "en")}
    keys = {group["key"] for group in json.loads((PROCESSES / "shared" / "groups.json").read_text("utf-8"))["groups"]}
    read_names = {name for folder in PROCESSES.iterdir() for name in asked(folder)}

    assert read_names
    for language, said in spoken.items():
        unnamed = sorted(name for name, value in read_names if value is None and (name, None) not in said)
        assert (language, unnamed) == (language, [])
        anywhere = {value for _, value in said if value is not None} | keys
        missing = sorted(f"{name} = {value}" for name, value in read_names if value and value not in anywhere)
        assert (language, missing) == (language, [])


def test_descriptions__of_what_people_do_in_both_languages() -> None:
    """What processes, tasks and reported events are about: in English in the diagram, in Chinese beside it."""
    untold, unknown = [], []
    for folder in PROCESSES.glob("*/"):
        file = folder / "texts.zh.json"
        said = json.loads(file.read_text("utf-8")) if file.exists() else {}
        chinese = {key.removesuffix(".about") for key, text in said.items() if key.endswith(".about") and text}
        described: set[str] = set()
        for diagram in folder.glob("*.bpmn"):
            root = etree.parse(diagram)
            done = [*root.iterfind(".//{*}process"), *root.iterfind(".//{*}userTask")]
            ids = {each.get("id", "") for each in (*done, *filter(_asks, root.iterfind(".//{*}startEvent")))}
            english = {each.get("id") for each in root.iterfind(".//*[{*}documentation]")}
            untold += [(diagram.name, each) for each in ids - english]
            described |= ids
        untold += [(folder.name, each) for each in described - chinese]
        unknown += [(folder.name, each) for each in chinese - described]
    assert (sorted(untold), sorted(unknown)) == ([], [])


def _asks(event: etree._Element) -> bool:
    return any(str(name).endswith("}formKey") for name in event.attrib)


def test_steps__are_told_in_english() -> None:
    """What is watched is a step of another process: reminders and reports name it in the language of their reader."""
    said = json.loads((PROCESSES / "tracking" / "texts.en.json").read_text("utf-8"))
    steps = {step for path in PROCESSES.glob("*/*.bpmn") for step in watched(path)}

    assert len(steps) > 20
    assert sorted(step for step in steps if f"variables.watched_step.{step}" not in said) == []


def test_texts__no_full_stop_after_what_somebody_wrote() -> None:
    """People end their sentences themselves: what is told after one begins on a line of its own."""
    written = {
        field["key"]
        for path in PROCESSES.glob("*/forms/*.form")
        for field in json.loads(path.read_text("utf-8"))["components"]
        if field["type"] == "textarea"
    }
    ended = re.compile(rf"\$\{{(?:{'|'.join(sorted(written))})(?:\}}(?:。|\. )|\}}\$\{{[^}}]*'(?:。|\. ))")
    paths = [*PROCESSES.glob("*/*.bpmn"), *PROCESSES.glob("*/texts.en.json")]

    assert "threat_text" in written
    assert [(path.name, found) for path in paths for found in ended.findall(path.read_text("utf-8"))] == []


def watched(path: Path) -> Iterator[str]:
    """Yield what a diagram may have watched: texts that it gives to `step`, `phase` or the process that watches."""
    root = etree.parse(path)
    for given in root.iterfind(".//{*}outputParameter"), root.iterfind(".//{*}inputParameter"):
        for each in given:
            if each.get("name") in ("step", "phase") and each.text:
                texts = re.findall(r"'([^']*)'", each.text) if each.text.startswith("$") else [each.text]
                yield from (text for text in texts if not text.isascii())
    for each in root.iterfind(".//{*}in[@target='watched_step']"):
        for text in re.findall(r"'([^']+)'", each.get("sourceExpression", "")):
            yield from (f"{department}{text}" for department in departments()) if text == "处理抱怨" else [text]


def departments() -> list[str]:
    """Return who handles complaints."""
    (table,) = dmn.parse((PROCESSES / "verify_and_dispatch" / "dispatch.dmn").read_bytes(), "dispatch.dmn").tables
    column = [output.name for output in table.outputs].index("department")
    return sorted({rule.results[column].strip('"') for rule in table.rules})


def words_for_variables(language: str) -> dict[tuple[str, str | None], str]:
    """Return what variables and their values are called by the forms and the texts."""
    said: dict[tuple[str, str | None], str] = {}
    for path in PROCESSES.glob("*/forms/*.form"):
        for field in forms.parse(path.read_bytes(), path.name).fields:
            said[field.key, None] = field.label.text if language == "zh" else field.label.english
            for option in field.options:
                said[field.key, option.value] = option.label.text if language == "zh" else option.label.english
    for path in PROCESSES.glob(f"*/texts.{language}.json"):
        for key, text in json.loads(path.read_text("utf-8")).items():
            if key.startswith("variables."):
                name, _, value = key.removeprefix("variables.").partition(".")
                said[name, value or None] = text
    return {key: text for key, text in said.items() if text}


def asked(folder: Path) -> Iterator[tuple[str, str | None]]:
    """Yield what conditions and tables of a folder read and answer, and what tasks show: names, and texts."""
    for path in folder.glob("*.bpmn"):
        for shown in etree.parse(path).iterfind(".//{*}property[@name='context']"):
            yield from ((name, None) for name in (shown.get("value") or "").split(","))
        for condition in etree.parse(path).iter("{*}conditionExpression"):
            for name, value in re.findall(r"\b([a-z_]+) == '([a-z_]+)'", condition.text or ""):
                yield name, None
                yield name, value
    for path in folder.glob("*.dmn"):
        for table in dmn.parse(path.read_bytes(), path.name).tables:
            asked_of = [column.expression for column in table.inputs]
            answered = [column.name for column in table.outputs if not column.name.endswith("_en")]
            yield from ((name, None) for name in [*asked_of, *answered] if name.isidentifier())
            for rule in table.rules:
                cells = zip([*asked_of, *answered], [*rule.conditions, *rule.results], strict=False)
                for name, cell in [pair for pair in cells if pair[0].isidentifier()]:
                    texts = re.findall(r'"((?:[a-z_]+:)?([a-z_]+))"', cell)
                    yield from ((name, key) for _, key in texts)


def test_rules__stand_in_one_place() -> None:
    """What guidance, forms and tables say stands once in a language: a rule that is changed is changed everywhere."""
    places: dict[str, list[str]] = {}
    for place, text in told():
        for sentence in re.split(r"[。！？；\n]|[.!?;](?=\s|$)", text):
            said = re.sub(r"[\W_]+", "", sentence)
            if len(said) >= (12 if re.search(r"[\u4e00-\u9fff]", said) else 35):
                places.setdefault(said, []).append(place)

    assert len(places) > 300
    assert {said: where for said, where in places.items() if len(where) > 1} == {}


def told() -> Iterator[tuple[str, str]]:
    """Yield every text of guidance, of forms beside their fields, and of the answers of tables, with its file."""
    for path in sorted(PROCESSES.glob("*/guidance/*.md")):
        without_titles = re.sub(r"^#.*$", "", path.read_text("utf-8"), flags=re.MULTILINE)
        yield str(path.relative_to(PROCESSES)), re.sub(r"\{\{.*?\}\}", "", without_titles)
    for path in sorted(PROCESSES.glob("*/forms/*.form")):
        for part in forms.parse(path.read_bytes(), path.name).every:
            for text in (part.text.text, part.text.english):
                yield str(path.relative_to(PROCESSES)), re.sub(r"\{\{.*?\}\}", "", text)
    for path in sorted(PROCESSES.glob("*/*.dmn")):
        for table in dmn.parse(path.read_bytes(), path.name).tables:
            yield from ((str(path.relative_to(PROCESSES)), cell) for rule in table.rules for cell in rule.results)


def test_guidance__asks_for_what_the_tables_have() -> None:
    """A topic that no row has, and a table that is not there, would leave a heading without a word beneath."""
    tables = {
        table.decision_id: table
        for path in PROCESSES.glob("*/*.dmn")
        for table in dmn.parse(path.read_bytes(), path.name).tables
    }
    advice = (tables[key] for key in ("handling_advice", "call_advice"))
    topics = {(table.decision_id, rule.results[0].strip('"')) for table in advice for rule in table.rules}
    texts = [path.read_text("utf-8") for path in PROCESSES.glob("*/guidance/*.md")]
    texts += [path.read_text("utf-8").replace(r"\"", '"') for path in PROCESSES.glob("*/forms/*.form")]

    asked_for = {key for text in texts for key in re.findall(r"\bdecisions\.(\w+)", text)}
    asked_topics = {pair for text in texts for pair in re.findall(r'\bdecisions\.(\w+)\[topic = "(\w+)"\]', text)}
    assert asked_for - tables.keys() == set()
    assert asked_topics - topics == set()
    # What nobody shows need not be kept; the others are asked for by what is ticked.
    assert topics - asked_topics <= {("handling_advice", topic) for topic in ("need", "habit", "leverage")}
