"""
Takes the pictures of README: an inbox, a matter with its path, a monthly report, as `docs/pictures/*.jpg`.

    python -m tests.pictures [FOLDER]      the data folder of a demo; else one is made first, which takes minutes
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, expect, sync_playwright
from pydantic import SecretStr

from casepath.demo import PASSWORD
from casepath.settings import Settings
from casepath.web import create_app
from tests import chromium
from tests.acceptance.browsing import serving
from tests.conftest import PATIENCE

TARGET = Path(__file__).resolve().parent.parent / "docs" / "pictures"
DRAWING = ".diagram:not([data-diagram='ready'])"
SIZE, QUALITY = ViewportSize(width=1280, height=800), 75


def take(folder: Path) -> None:
    """Take the pictures of the demo in a data folder."""
    TARGET.mkdir(exist_ok=True)
    expect.set_options(timeout=PATIENCE)
    app = create_app(Settings(data_folder=folder, secret_key=SecretStr(PASSWORD)))
    with serving(app) as address, sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        page = launched.new_page(viewport=SIZE)
        enter(page, address)
        page.goto(f"{address}/tasks/?view=all&column=fact.customer_name&column=fact.plate_number&column=due&column=who")
        keep(page, "inbox")
        page.goto(f"{address}/matters/?state=active&process=complaint")
        page.locator("main table a").first.click()
        page.locator(".diagram").first.scroll_into_view_if_needed()
        keep(page, "matter")
        page.goto(f"{address}/reports/monthly")
        keep(page, "report")
        launched.close()
    app.extensions["database"].dispose()


def enter(page: Page, address: str) -> None:
    """Log in as the director, who sees everything, and read English."""
    page.goto(f"{address}/login")
    page.locator("[name=username]").fill("customer_director_zhao")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_be_visible()
    # The account may read English already.
    if (english := page.get_by_role("button", name="English")).count():
        english.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tasks")


def keep(page: Page, name: str) -> None:
    """Write down what stands in the window, once everything is drawn."""
    expect(page.locator(DRAWING)).to_have_count(0)
    page.screenshot(path=TARGET / f"{name}.jpg", type="jpeg", quality=QUALITY)


def main() -> None:
    """Take them of the demo that is named, or of a new one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="the data folder of a demo; none: one is made")
    folder = parser.parse_args().folder
    if folder is not None:
        take(folder)
        return
    with tempfile.TemporaryDirectory() as made:
        subprocess.run([sys.executable, "-m", "casepath", "--data", made, "demo"], check=True)
        take(Path(made))


if __name__ == "__main__":
    main()
