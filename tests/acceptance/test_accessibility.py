"""Pages for everybody: no serious finding of axe-core, nothing cut off in a small window or too small to touch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pydantic import SecretStr

from casepath import demo, stories
from casepath.engine import database, deployments
from casepath.engine.deployments import definitions
from casepath.engine.instances import notifications, process_instances
from casepath.engine.instances.wordings import Wording
from casepath.engine.people import identity
from casepath.engine.time import clock
from casepath.settings import Settings
from tests import database as databases
from tests.acceptance.browsing import log_in, serving
from tests.acting import PROGRAM
from tests.applications import make_app

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
STORY = stories.read_all(ROOT / "processes")[0]
#: User → pages; `{task}`, `{key}` and `{process}` are what is there.
PAGES = {
    "customer_director_zhao": (
        "/tasks/", "/tasks/?view=claimable", "/tasks/calendar?view=all", "/reports/", "/reports/monthly",
        "/tasks/?view=all&column=who&column=fact.severity&order=fact.severity", "/tasks/?view=put_off", "/tasks/{task}",
        "/matters/",
        "/matters/?q=NONE", "/matters/show/{key}", "/matters/show/{key}?steps=all",
        "/matters/register?from=2000-01-01&until=2099-12-31", "/matters/papers/notice/{key}",
        "/notifications/", "/notifications/?unread=1", "/register/", "/register/complaint", "/password",
        "/substitutes/", "/matters/show/NONE", "/people/", "/search/", "/search/?q={key}%20王",
        "/registers/", "/registers/?q=154", "/registers/vehicle?order=mileage", "/records/9", "/records/13/change",
        "/registers/customer/import",
    ),
    "owner_han": (
        "/processes/", "/processes/decisions/", "/processes/forms/", "/processes/show/complaint",
        "/processes/show/request_help/compare",
        "/processes/decisions/severity", "/processes/decisions/demand_rules", "/processes/forms/complaint_intake",
        "/processes/deployments/", "/processes/deployments/2", "/processes/deployments/2/again",
        "/processes/modeler?definition={process}", "/processes/upload",
    ),
    "admin": (
        "/people/", "/people/?group=service_advisor", "/people/groups", "/people/users/front_desk_wang",
        "/substitutes/front_desk_wang", "/operations/", "/operations/?state=resolved", "/operations/jobs",
        "/operations/jobs?state=failed", "/operations/external-tasks", "/operations/mails", "/operations/workers",
    ),
    "caller_liu": ("/worklists/follow_up_call",),
    "auditor_jiang": ("/tasks/?view=all", "/matters/", "/matters/show/{key}", "/tasks/{task}"),
}  # fmt: skip
#: Diagrams that are not there yet.
DRAWING = (
    ".diagram:not([data-diagram='ready']), .modeler:not([data-modeler='ready']), "
    "[data-compare]:not([data-compare='ready'])"
)
#: A desk, a tablet, a desk at 200 %, a phone.
WIDTHS = (1440, 768, 720, 390)
#: Runs axe-core on a page as wide as it is now, without the rules that are never serious: a third of the work. Leaves
#: out the header where it has been seen as it is, with each current entry; gives the findings and that header.
#: The second time, in another width, it looks at what is seen only there or looks otherwise, and at what has to be
#: scrolled; all else it has seen. A letter counts as large, which needs less contrast, as it does in axe-core.
RUN = """async seen => {
  const large = (size, weight) => size >= 24 || (size >= 56 / 3 && weight >= 700);
  const looks = new Map(), scrolled = [];
  for (const each of document.querySelectorAll('body, body *')) {
    const style = getComputedStyle(each);
    const { color, backgroundColor, fontSize, fontWeight, textDecorationLine } = style;
    looks.set(each, each.checkVisibility({ visibilityProperty: true })
      ? [color, backgroundColor, large(parseFloat(fontSize), fontWeight), textDecorationLine].join() : '');
    if (/auto|scroll/.test(style.overflow)
        && (each.scrollWidth > each.clientWidth || each.scrollHeight > each.clientHeight)) scrolled.push(each);
  }
  const before = window.looks;
  window.looks = looks;
  const header = document.querySelector('body > header');
  const shown = header && [innerWidth, header.outerHTML.replace(/<input type="hidden"[^>]*>/g, '')].join();
  const exclude = header && seen.includes(shown) ? [header] : [];
  const lesser = axe._audit.rules.filter(each => ['minor', 'moderate'].includes(each.impact));
  const rules = Object.fromEntries(lesser.map(each => [each.id, { enabled: false }]));
  const options = { resultTypes: ['violations'], rules };
  const found = async include =>
    include.length ? (await axe.run({ include, exclude }, options)).violations : [];
  if (!before) return [await found([document]), shown];
  const scrollable = scrolled.length ? (await axe.run({ runOnly: ['scrollable-region-focusable'] })).violations : [];
  const other = [...looks.keys()].filter(each => looks.get(each) && looks.get(each) !== before.get(each));
  return [[...await found(other.filter(each => !exclude[0]?.contains(each))), ...scrollable], shown];
}"""
#: What is touched and less than 24 pixels high, itself or with its label; not links in a text, nor what bpmn-js draws.
SMALL = """() => [...document.querySelectorAll('a, button, summary, select, textarea, input:not([type=hidden])')]
  .filter(each => !each.closest('.modeler-parts, .bjs-container, .prose, .skip-link, .visually-hidden'))
  .filter(each => each.getBoundingClientRect().width)
  .filter(each => (each.closest('label') ?? each).getBoundingClientRect().height < 24)
  .map(each => each.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def pages(dealership_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, object]]]:
    """
    Where the pages are, and what is there: a matter in which somebody has something to do and was told so.

    Nobody changes anything there.
    """
    folder = tmp_path_factory.mktemp("accessible")
    definitions.forget()
    url = databases.copy_file(dealership_file, folder / "casepath.db")
    app = make_app(Settings(data_folder=folder, database_url=url, secret_key=SecretStr("secret")))
    sessions = database.sessions(app.extensions["database"])
    clock.set_to(datetime(2026, 1, 1, tzinfo=UTC))
    with sessions.begin() as session:
        identity.create_user(session, "admin", name="Admin", groups=["administrator"], by=PROGRAM)
        identity.set_password(session, "admin", "casepath-demo", by=PROGRAM)
        demo.add_records(session, ROOT / "processes")
        clock.set_to(STORY.begins_at)
        started = process_instances.start(session, STORY.process, STORY.start["variables"], by=STORY.start["by"])
        key = started.business_key
        notifications.notify(
            session,
            ["customer_director_zhao"],
            kind="reminder",
            wording=Wording(subject="提醒", text="长" * 400),
            business_key=key,
        )
        process = definitions.latest(session, "process", "complaint").id
        deployments.deploy(session, changed(), name="request_help", by=PROGRAM)
    with serving(app) as address:
        yield address, {"key": key, "task": 1, "process": process}
    clock.reset()
    app.extensions["database"].dispose()


def changed() -> dict[str, bytes]:
    """A process with something else in its diagram, forms and guidance."""
    files = deployments.read_folder(ROOT / "processes" / "request_help")
    return {name: content.replace("协助".encode(), "支持".encode()) for name, content in files.items()}


@pytest.mark.parametrize("username", PAGES)
def test_pages__serious_findings_and_what_is_cut(
    pages: tuple[str, dict[str, object]], page: Page, username: str
) -> None:
    address, there = pages
    page.goto(f"{address}/login")
    log_in(page, username)
    found = []
    widths, headers = WIDTHS, list[str]()
    page.add_init_script(AXE)
    for path in PAGES[username]:
        shown = path.format(**there)
        page.goto(f"{address}{shown}")
        # A diagram is drawn after its page has been loaded.
        expect(page.locator(DRAWING)).to_have_count(0)
        for width in widths:
            page.set_viewport_size({"width": width, "height": 900})
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            found += [f"{shown} at {width}: {wider} pixels too wide"] if wider > 0 else []
            if width in (WIDTHS[0], WIDTHS[-1]):
                found += [f"{shown} at {width}: {each}" for each in serious(page, headers)]
            if width == WIDTHS[-1]:
                found += [f"{shown}: less than 24 pixels high: {each}" for each in page.evaluate(SMALL)]
        # The next page is opened as wide as this one was left, so that pages are loaded both on desks and on phones.
        widths = widths[::-1]

    assert found == []


def serious(page: Page, headers: list[str]) -> list[str]:
    """Return the serious findings of axe-core on a page, with where they are; notes the header, to be seen once."""
    found, header = page.evaluate(RUN, headers)
    headers.append(header)
    return [f"{each['id']} {each['nodes'][0]['target']}" for each in found if each["impact"] in ("serious", "critical")]
