"""A job and a failure over time, and the ways out, in a browser: links, keyboard, a phone, dark, without scripts."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.fakes.daemon import eventually
from tests.fakes.site import House
from tests.fakes.world import event, push
from tests.service.browser.chromium import Window

JOB = "linux-unstable"
LINE = "TypeError: net.open is not a function"
LONG = "mochitest/" + "x" * 200 + "-unstable"
JOB_PATH, FAILURE_PATH = f"/jobs/try/{JOB}", f"/failures/try?line={LINE.replace(' ', '+')}"
#: Links that have to be large enough to be hit with a finger.
_TARGETS = "main a.way, main a.run, main .grid td a"


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """A house with 40 pushes, at some of which two jobs failed, and at some of these passed when they ran again."""
    made = make_house()
    for number in range(40):
        for job, line in ((JOB, LINE), (LONG, "y" * 900)):
            _hear(made, job, number, line)
    made.work()
    eventually(lambda: len(made.store.pushes.judged_since(0.0)) == 40, "every push is judged")
    return made


def _hear(house: House, job: str, number: int, line: str) -> None:
    """Let a job fail at every fourth push, and pass when it runs again at every second of these."""
    at = house.clock() - 60.0 * (number + 1)
    results = {1: ("failure", "success"), 5: ("failure",)}.get(number % 8, ("success",))
    for again, result in enumerate(results):
        house.hear(
            event(
                job, f"{number}-{again}-{job}", push=push(f"{number:07x}", branch="main"), result=result,
                time=at + again, started=at - 30, pool="t-linux" if number % 2 else "t-mac", author="ada",
                message=f"Change {number}", url=f"https://ci.example/{number}/{again}",
                failures=(line,) if result == "failure" else (),
            )
        )  # fmt: skip


def small(page: Page) -> list[str]:
    """Return the links that are smaller than 24 by 24 pixels."""
    found: list[str] = page.evaluate(
        """(which) => [...document.querySelectorAll(which)].filter((one) => one.getClientRects().length)
            .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
            .filter(([, box]) => box.width < 24 || box.height < 24)
            .map(([text, box]) => `${text} ${box.width} ${box.height}`)""",
        _TARGETS,
    )
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1100), ("dark", 360)], ids=["light on a reporting", "dark on a phone"]
)
def test_everybody_can_use_the_pages_over_time(chromium: Browser, house: House, scheme: str, width: int) -> None:
    """Axe finds nothing, nothing scrolls sideways, and what leads somewhere can be hit."""
    size = {"width": width, "height": 800}
    with Window(chromium, house.url, color_scheme=scheme, viewport=size) as window:
        for path in (
            JOB_PATH,
            f"/jobs/try/{LONG}",
            FAILURE_PATH,
            "/pushes/try/0000001",
            f"/pushes/try/0000001?job={JOB}",
            "/branches/try/main",
            "/?text=unstable",
        ):
            page = window.visit(path)
            page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            window.check(strict=True)
            assert small(page) == [], path


def test_from_a_push_to_where_else_it_fails_and_back_without_scripts(chromium: Browser, house: House) -> None:
    """On a phone: the failure, the job over time, and the push again."""
    size = {"width": 360, "height": 800}
    with Window(chromium, house.url, java_script_enabled=False, viewport=size) as window:
        page = window.page
        page.goto("/pushes/try/0000005")
        row = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=JOB))
        row.get_by_role("link", name="Where else this fails").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("A failure over time")
        expect(page.get_by_text("Seen at 10 pushes, in 1 job.")).to_be_visible()
        page.get_by_role("region", name="Jobs that show it").get_by_role("link", name=JOB).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"{JOB} over time")
        strip = page.locator(".strip a")
        expect(strip).to_have_count(40)
        expect(strip.nth(5)).to_have_text("F")
        strip.nth(5).click()
        expect(page).to_have_url(re.compile("/pushes/try/0000005"))
        page.get_by_role("link", name="This job over time").click()
        expect(page).to_have_url(re.compile(JOB_PATH))


@pytest.mark.slow
def test_a_keyboard_reaches_every_run(chromium: Browser, house: House) -> None:
    """In the order of the row, with a focus that is seen, and words for those who only hear."""
    with Window(chromium, house.url) as window:
        page = window.visit(JOB_PATH)
        first = page.locator(".strip a").first
        for _ in range(20):
            page.keyboard.press("Tab")
            if first.evaluate("(one) => one === document.activeElement"):
                break
        expect(first).to_be_focused()
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Tab")
        second = page.locator(".strip a").nth(1)
        expect(second).to_be_focused()
        expect(second).to_have_attribute("aria-label", re.compile(r"^I: intermittent.* at 0000001 on main by ada, "))
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("/pushes/try/0000001"))


@pytest.mark.slow
def test_the_way_out_says_where_it_leads(chromium: Browser, house: House) -> None:
    """And looks like a link."""
    with Window(chromium, house.url) as window:
        page = window.visit("/pushes/try/0000001")
        way = page.get_by_role("link", name="Run 1 at the CI").first
        expect(way).to_have_attribute("href", "https://ci.example/1/0")
        assert "underline" in way.evaluate("(one) => getComputedStyle(one).textDecorationLine")
