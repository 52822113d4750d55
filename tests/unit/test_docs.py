"""The documentation names everything that there is, and leads nowhere wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import yaml
from pydantic import SecretStr

from casepath import demo, stories
from casepath.commands import main
from casepath.engine.registers.files import MAX_ROWS
from casepath.settings import Settings
from casepath.workers import HANDLERS
from casepath.workers.loop import HANDLER_MODULES
from tests.each import each

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
OPERATOR = (DOCS / "operator.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "processes" / "README.md", *sorted(DOCS.glob("*.md"))]
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def subcommands(group: click.Group, before: str = "") -> list[str]:
    """Return the words of every subcommand that does something."""
    found = []
    for name, command in group.commands.items():
        inner = subcommands(command, f"{before}{name} ") if isinstance(command, click.Group) else [f"{before}{name}"]
        found += inner
    return found


@each("name", Settings.model_fields)
def test_operator__finds_every_setting_with_its_default(name: str) -> None:
    row = next((line for line in OPERATOR.splitlines() if line.startswith(f"| `{name}` |")), "")
    default = Settings.model_fields[name].default

    assert f"`CASEPATH_{name.upper()}`" in row
    if default not in ("", SecretStr("")):
        assert f"`{str(default).lower() if isinstance(default, bool) else default}`" in row


def test_operator__finds_no_setting_that_is_none() -> None:
    named = set(re.findall(r"`CASEPATH_([A-Z_]+)`", OPERATOR)) - {"CONFIG_FILE"}

    assert named == {name.upper() for name in Settings.model_fields}


@each("words", subcommands(main))
def test_operator__finds_every_command(words: str) -> None:
    assert re.search(rf"`(casepath )?{words}\b", OPERATOR)


@each("page", PAGES)
def test_links__lead_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_readme__names_everybody_of_the_demo() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    people = json.loads((ROOT / "processes" / "shared" / "groups.json").read_text(encoding="utf-8"))["people"]

    assert [person["username"] for person in people if f"`{person['username']}`" not in text] == []
    assert f"`{demo.PASSWORD}`" in text


def test_processes__names_only_what_is_in_the_files() -> None:
    text = (ROOT / "processes" / "README.md").read_text(encoding="utf-8")
    tables = "".join(line for line in text.splitlines() if line.startswith("|"))
    files = [path for path in (ROOT / "processes").rglob("*") if path.suffix in (".bpmn", ".dmn")]
    content = "".join(path.read_text(encoding="utf-8") for path in files)
    there = set(re.findall(r'\b(?:id|name)="([^"]+)"', content))
    chinese, english = (re.findall(r"`([a-z_0-9]+)`", part) for part in text.split("\n---\n"))

    assert set(re.findall(r"`([a-z_0-9]+)`", tables)) - there == set()
    assert set(chinese) == set(english)


def test_process_owner__has_a_story_that_can_be_read(tmp_path: Path) -> None:
    text = (DOCS / "process-owner.md").read_text(encoding="utf-8")
    example = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0]
    (tmp_path / "scenarios.yaml").write_text(example, encoding="utf-8")

    (story,) = stories.read(tmp_path / "scenarios.yaml")

    assert story.id == yaml.safe_load(example)[0]["id"]
    assert all({"complete", "message", "advance"} & set(step) for step in story.steps)


def test_operator__finds_every_topic() -> None:
    listed = OPERATOR.partition("up to two for each topic\n(")[2].partition(")")[0]
    shipped = {module.__name__ for module in HANDLER_MODULES}
    topics = {name for name, handler in HANDLERS.items() if handler.__module__ in shipped}

    assert set(re.findall(r"`(\w+)`", listed)) == topics


def test_staff__is_told_in_both_languages_how_many_rows_a_file_may_have() -> None:
    chinese, _, english = (DOCS / "staff.md").read_text(encoding="utf-8").partition("# For staff")

    assert f"一次最多 {MAX_ROWS:,} 行" in chinese
    assert f"at most {MAX_ROWS:,} rows" in english
