"""The pages in a real browser: what people do and see, and that no foreign text is executed."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.fakes.daemon import eventually
from tests.fakes.site import TOKEN, House
from tests.service.browser.chromium import Window
from triggerbot.core import event_json
from triggerbot.core.model import Push
from triggerbot.store import Crash, DeadLetter, Pause
from triggerbot.store.actions import Act, Action, Via
from triggerbot.web import live

REVISION = "0123456789abcdef"
PATH = f"/pushes/try/{REVISION}"
SCRIPT = "<script>window.pwned = 1; alert(1)</script><img src=x onerror=alert(2)>"
LONG = "mochitest-" + "x" * 290
TESTS = {
    "passed": 3,
    "failed": 2,
    "failing": [{"id": "x" * 400, "line": "y" * 400}, {"id": f"{SCRIPT} test", "line": "<b>"}],
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll often, and send updates at once."""
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(live, "REST_SECONDS", 0.1)


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """A working house, with a push of many kinds of jobs."""
    made = make_house()
    made.ci.push(REVISION, message="Bug 1: a change\n\nand why", author="ada@example.org")
    events = [
        made.ci.run(REVISION, job, result=result, author="ada@example.org", message="Bug 1: a change", **more)
        for job, result, more in (
            ("linux-broken-unstable", "failure", {"failures": ["TypeError: net.open is not a function"]}),
            ("macosx-broken-unstable", "failure", {"failures": ["TypeError: net.open is not a function"]}),
            ("windows-flaky", "failure", {"failures": ["test_focus.html: timed out waiting for focus"]}),
            (SCRIPT, "failure", {"failures": [SCRIPT], "url": "https://ci.example/1"}),
            (LONG, "failure", {"failures": ["y" * 2000], "step": "z" * 500, "tests": TESTS}),
            ("linux-build", "success", {"kind": "build"}),
            *((f"linux-fine-{number}", "success", {"url": f"https://ci.example/{number}"}) for number in range(60)),
        )
    ]
    made.hear(*(event_json.from_json(event, "ci") for event in events))
    return made.work()


def judged(house: House, *, revision: str = REVISION) -> None:
    """Wait until the push was judged, and retriggered as far as it goes by itself."""
    where = Push("ci", "try", "try", revision)

    def settled() -> bool:
        record = house.store.pushes.record(where)
        return record is not None and all(claim.state.final for job in record.jobs for claim in job.claims)

    eventually(settled, "everything that is decided is asked for")
    eventually(lambda: house.store.pushes.judged_since(0.0), "the push is judged")


PAGES = (
    "/",
    PATH,
    "/branches/try/try",
    f"{PATH}?job=windows-flaky",
    "/about",
    "/statistics",
    "/errors",
    "/actions",
    "/login",
    "/pushes/try/fff",
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1100), ("dark", 360)], ids=["light on a reporting", "dark on a phone"]
)
def test_everybody_can_use_every_page(chromium: Browser, house: House, scheme: str, width: int) -> None:
    """Axe finds nothing serious; nothing scrolls sideways; no page complains, or breaks its policy."""
    judged(house)
    house.store.letters.add([DeadLetter(0, house.clock(), "ci", "webhook", SCRIPT + LONG, b"")])
    house.store.crashes.add([Crash(house.clock(), "host/1", "SIGSEGV", LONG)])
    house.store.actions.add(Action("1", house.clock(), Act.PAUSE, LONG, Via.PAGE, note=LONG))
    size = {"width": width, "height": 800}
    with Window(chromium, house.url, color_scheme=scheme, viewport=size) as window:
        for path in PAGES:
            page = window.page
            page.goto(path)
            page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            window.check()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgb(21, 22, 26)" if scheme == "dark" else "rgb(247, 247, 245)"
        )
        # The one 404 among the pages is reported there, too.
        window.complaints = [one for one in window.complaints if "404" not in one]
        house.store.limits.pause(Pause(house.clock(), "grace", LONG))
        window.log_in("ada " + "a" * 90, TOKEN)
        for path in ("/", PATH, f"{PATH}?job=windows-flaky"):
            window.visit(path)
            page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            window.check()


def test_a_job_is_retriggered_after_logging_in(chromium: Browser, house: House) -> None:
    """From the push to the login and back; the CI is asked, and the open page shows what comes of it."""
    judged(house)
    house.ci.outcome = lambda _: "success"
    with Window(chromium, house.url) as window:
        page = window.visit(PATH)
        page.get_by_role("banner").get_by_role("link", name="Log in").click()
        page.get_by_label("Who you are").fill("ada")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("main").get_by_role("button", name="Log in").click()
        expect(page).to_have_url(re.compile(PATH))

        page.get_by_label("Further runs of linux-broken-unstable").fill("3")
        page.get_by_role("button", name="Retrigger linux-broken-unstable").click()

        expect(page.get_by_text("Recorded: 3 further runs asked for")).to_be_visible()
        eventually(lambda: house.ci.jobs_asked().get((REVISION, "linux-broken-unstable")) == 3, "the CI is asked")
        for event in house.ci.made(REVISION, "linux-broken-unstable"):
            house.hook(event)
        row = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="linux-broken-unstable"))
        expect(row.locator(".run")).to_have_text(["O", "G", "G", "G"], timeout=15_000)
        expect(row.get_by_text("ada asked for it on this page")).to_be_visible()


def test_a_branch_is_read_on_a_phone_without_script(chromium: Browser, house: House) -> None:
    """From the list of pushes to what keeps failing, and on to the push; only the grid scrolls sideways."""
    for number in range(1, 30):
        where = f"{number:016x}"
        result = "failure" if number > 20 else "success"
        lines = {"failures": ["TypeError: net.open is not a function"]} if number > 20 else {}
        started = event_json.format_time(house.clock() - 60.0 * (40 - number))
        run = house.ci.run(where, "linux-broken-unstable", result=result, **lines, started=started, time=started)
        house.hear(event_json.from_json(run, "ci"))
    judged(house, revision=f"{29:016x}")
    with Window(chromium, house.url, java_script_enabled=False, viewport={"width": 360, "height": 800}) as window:
        page = window.visit("/")
        page.get_by_title("Jobs by pushes of this branch").first.click()
        expect(page.get_by_role("heading", name="Keeps failing", exact=True)).to_be_visible()
        expect(page.get_by_role("rowheader", name="linux-broken-unstable")).to_be_visible()
        expect(page.get_by_role("columnheader")).to_have_count(31)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.get_by_role("link", name=f"{21:016x}"[:12]).first.click()
        expect(page).to_have_url(re.compile(f"/pushes/try/{21:016x}"))


@pytest.mark.slow
def test_everything_is_paused_and_goes_on_by_buttons(chromium: Browser, house: House) -> None:
    """Other open pages show it by themselves."""
    judged(house)
    with Window(chromium, house.url) as other, Window(chromium, house.url) as window:
        watching = other.visit(PATH)
        expect(watching.locator("#live")).to_have_text("live")
        page = window.log_in("ada", TOKEN)
        page.get_by_text("Pause everything…").click()
        page.get_by_label("Why, for whoever wonders").fill("the CI is being moved")
        page.get_by_role("button", name="Pause", exact=True).click()

        expect(page.get_by_text("Everything is paused")).to_be_visible()
        expect(watching.get_by_text("by ada")).to_be_visible(timeout=15_000)
        expect(watching.get_by_text("the CI is being moved")).to_be_visible()

        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_text("Everything is paused")).to_have_count(0)
        expect(watching.get_by_text("Everything is paused")).to_have_count(0, timeout=15_000)


@pytest.mark.slow
def test_an_open_page_shows_what_is_new_and_leaves_the_reader_alone(chromium: Browser, house: House) -> None:
    """Focus, open parts, input and scroll position stay; screen readers hear of changes."""
    judged(house)
    with Window(chromium, house.url, viewport={"width": 1000, "height": 600}) as window:
        window.log_in("ada", TOKEN)
        page = window.visit(PATH)
        expect(page.locator("#live")).to_have_text("live")
        page.evaluate("window.same = true")
        page.locator("#fold-passed summary").click()
        page.get_by_label("Further runs of windows-flaky").fill("7")
        link = page.get_by_role("link", name="linux-fine-17", exact=True)
        link.focus()
        link.scroll_into_view_if_needed()
        before = link.bounding_box()

        again = house.ci.made(REVISION, "windows-flaky")[0]
        house.hook(house.ci.finish(again["run_id"], "success"))

        expect(page.get_by_text("is intermittent").first).to_be_visible(timeout=15_000)
        expect(page.locator("#news")).to_have_text(re.compile(r"\d+ jobs? changed"))
        expect(link).to_be_focused()
        assert page.locator("#fold-passed").evaluate("(one) => one.open")
        expect(page.get_by_label("Further runs of windows-flaky")).to_have_value("7")
        after = link.bounding_box()
        assert before is not None
        assert after is not None
        assert abs(before["y"] - after["y"]) < 3
        assert page.evaluate("window.same"), "the page was not left"


@pytest.mark.slow
def test_the_list_shows_a_new_push_by_itself(chromium: Browser, house: House) -> None:
    """With the filter that is set."""
    judged(house)
    with Window(chromium, house.url) as window:
        page = window.visit("/?text=change")
        expect(page.locator("#live")).to_have_text("live")
        expect(page.locator(".pushes > li")).to_have_count(1)

        house.hook(house.ci.run("fedcba9876543210", "job", result="success", message="another change"))
        house.hook(house.ci.run("aaaaaaaaaaaaaaaa", "job", result="success", message="nothing alike"))

        expect(page.get_by_role("link", name="another change")).to_be_visible(timeout=15_000)
        expect(page.locator(".pushes > li")).to_have_count(2)


@pytest.mark.slow
def test_a_job_called_like_a_script_is_only_a_name(chromium: Browser, house: House) -> None:
    """On every page, and when it is retriggered."""
    judged(house)
    with Window(chromium, house.url, viewport={"width": 360, "height": 700}) as window:
        page = window.log_in(SCRIPT[:90], TOKEN)
        page = window.visit(PATH)
        expect(page.get_by_role("heading", name=SCRIPT)).to_be_visible()
        page.get_by_role("button", name=f"Retrigger {SCRIPT}").click()
        page.get_by_role("link", name=SCRIPT, exact=True).first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(SCRIPT)
        page.go_back()
        page.get_by_role("link", name=LONG, exact=True).first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(LONG)
        assert page.evaluate("window.pwned") is None


@pytest.mark.slow
def test_a_keyboard_is_enough(chromium: Browser, house: House) -> None:
    """The first key leads past the navigation; filtering and opening a push need no mouse, and the focus is seen."""
    judged(house)
    with Window(chromium, house.url) as window:
        page = window.visit("/")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        for _ in range(5):
            page.keyboard.press("Tab")
        expect(page.get_by_label("Message or revision")).to_be_focused()
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.type("a change")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("text=a"))
        link = page.get_by_role("link", name="Bug 1: a change")
        for _ in range(30):
            page.keyboard.press("Tab")
            if link.evaluate("(one) => one === document.activeElement"):
                break
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Bug 1: a change")
        page.locator("#fold-passed summary").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="linux-fine-3", exact=True)).to_be_visible()


@pytest.mark.slow
def test_without_scripts_everything_but_the_live_updates_works(chromium: Browser, house: House) -> None:
    """Filtering, folding, logging in and retriggering; and there is a link to load the page again."""
    judged(house)
    with Window(chromium, house.url, java_script_enabled=False) as window:
        page = window.page
        page.goto("/")
        page.get_by_label("Author").fill("ada")
        page.get_by_role("button", name="Filter").click()
        page.get_by_role("link", name="Bug 1: a change").click()
        page.get_by_text("61 jobs passed").click()
        expect(page.get_by_role("link", name="linux-fine-3", exact=True)).to_be_visible()
        page.get_by_role("banner").get_by_role("link", name="Log in").click()
        page.get_by_label("Who you are").fill("ada")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("main").get_by_role("button", name="Log in").click()
        page.get_by_role("button", name="Retrigger windows-flaky").click()
        expect(page.get_by_text("Recorded: 1 further run asked for")).to_be_visible()
        page.get_by_role("link", name="Reload").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Bug 1: a change")
