"""The page of the real daemon, in a process of its own with a config file, in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.fakes.ci import FakeCI
from tests.fakes.daemon import Daemon, eventually
from tests.fakes.site import TOKEN
from tests.service.browser.chromium import Window

pytestmark = pytest.mark.slow

REVISION = "0123456789abcdef"
CONFIG = """
dry_run: false
store: sqlite:state.db
listen: 127.0.0.1:0
page: {{token: env:PAGE_TOKEN}}
systems:
  ci: {{type: generic, url: "{url}", token: env:CI_TOKEN, webhook_secret: env:WEBHOOK_SECRET, grace: 1s, sweep: off}}
rules:
  - projects: [try]
    retries: 1
"""


@pytest.fixture
def ci() -> Iterator[FakeCI]:
    """A CI whose second runs pass."""
    with FakeCI(token="canary-token-for-tests") as made:
        made.outcome = lambda _: "success"
        yield made


@pytest.fixture
def daemon(tmp_path: Path, ci: FakeCI) -> Iterator[Daemon]:
    """The daemon, with a token for its page."""
    with Daemon(tmp_path, CONFIG.format(url=ci.url), {"PAGE_TOKEN": TOKEN}) as made:
        yield made


def test_from_the_webhook_to_the_open_page(chromium: Browser, daemon: Daemon, ci: FakeCI) -> None:
    """A failure and its verdict show up by themselves, a person requests more; the daemon still ends."""
    ci.push(REVISION, message="Bug 1: a change", author="ada@example.org")
    daemon.hook(ci.run(REVISION, "first", result="success", message="Bug 1: a change"))
    with Window(chromium, daemon.url) as window:
        page = window.visit("/")
        expect(page.locator("#live")).to_have_text("live")
        daemon.hook(ci.run(REVISION, "flaky", result="failure", failures=["test_x.js: timed out"]))
        expect(page.locator(".pushes .sentence")).to_contain_text("passed", timeout=20_000)
        page.get_by_role("link", name="Bug 1: a change").click()

        eventually(lambda: ci.made(REVISION, "flaky"), "the daemon retriggers it")
        daemon.hook(ci.made(REVISION, "flaky")[0])
        expect(page.get_by_text(re.compile("is intermittent")).first).to_be_visible(timeout=20_000)
        expect(page.get_by_text("test_x.js: timed out")).to_be_visible()

        page = window.log_in("ada", TOKEN)
        window.visit(f"/pushes/try/{REVISION}?job=flaky")
        page.get_by_label("Further runs of flaky").fill("2")
        page.get_by_role("button", name="Retrigger flaky").click()
        eventually(lambda: ci.jobs_asked().get((REVISION, "flaky")) == 3, "the CI is asked for two more")
        for path in ("/about", "/statistics", "/errors"):
            window.visit(path)
        window.visit("/")
        expect(page.locator("#live")).to_have_text("live")
        assert daemon.stop() == 0
        window.complaints.clear()


def test_wherever_the_old_addresses_were_they_still_are(daemon: Daemon, ci: FakeCI) -> None:
    """The API lies beside the pages."""
    daemon.hook(ci.run(REVISION, "job", result="success"))

    assert httpx.get(f"{daemon.url}/api/v1/pushes").json()["pushes"][0]["revision"] == REVISION
    for path in ("/metrics", "/__heartbeat__", "/__lbheartbeat__", "/__version__"):
        assert httpx.get(daemon.url + path).status_code == 200, path
    assert httpx.get(daemon.url).headers["content-type"].startswith("text/html")
