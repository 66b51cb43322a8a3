"""Make the screenshots of the README from the demo: `python -m tests.service.docs.screenshots`."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests import ROOT
from triggerbot.cli.demo.live import _Stage
from triggerbot.cli.demo.scenario import PROJECT, PUSHES

IMAGES = ROOT / "docs/images"
#: Seconds that the demo plays, and the longest time to settle after that.
_SECONDS, _PATIENCE = 20.0, 40.0
#: The most instructive push: a job that fails every time, and two that are intermittent.
_PUSH = PUSHES[1]


def main() -> int:
    """Play the demo to its end, and take a picture of the list and of one push."""
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as directory,
        _Stage(Path(directory), _SECONDS) as stage,
        sync_playwright() as playwright,
    ):
        until = time.monotonic() + _SECONDS + _PATIENCE
        while not stage.over and time.monotonic() < until:
            stage.follow()
            time.sleep(0.25)
        # The last verdicts are stored a moment after they are known.
        time.sleep(3)
        arguments = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        page = browser.new_page(base_url=stage.page, viewport={"width": 1000, "height": 640})
        page.goto("/login")
        page.get_by_label("Who you are").fill("grace")
        page.get_by_label("Token").fill(stage.token)
        page.get_by_role("main").get_by_role("button", name="Log in").click()
        _take(page, "/", "pushes.png")
        _take(page, f"/pushes/{PROJECT}/{_PUSH.revision}", "push.png")
        browser.close()
    return 0


def _take(page: Page, path: str, name: str) -> None:
    page.goto(path)
    page.get_by_text("live", exact=True).wait_for()
    page.screenshot(path=IMAGES / name, full_page=True)
    print(f"{IMAGES / name}: {(IMAGES / name).stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    sys.exit(main())
