"""A real browser: Debian's chromium, driven by Playwright; records everything that a page must not do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.fakes.servers import find

_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
              "--disable-sync", "--disable-dev-shm-usage"]  # fmt: skip
#: Findings of axe-core that fail a test.
_GRAVE = ("serious", "critical")


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the browser; without chromium the test is skipped, or fails where TRIGGERBOT_STRICT=1 (as in CI)."""
    path = find("chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield started
        started.close()


def _axe() -> str:
    import axe_core_python

    return (Path(axe_core_python.__file__).parent / "axe.min.js").read_text()


class Window:
    """One window of the browser, with its own cookies."""

    def __init__(self, browser: Browser, base: str, **more: Any) -> None:
        self.context: BrowserContext = browser.new_context(base_url=base, **more)
        self.context.add_init_script(
            "window.violations = []; document.addEventListener('securitypolicyviolation', "
            "(event) => window.violations.push(event.violatedDirective + ' ' + event.blockedURI));"
        )
        self.page: Page = self.context.new_page()
        #: What the browser complained of.
        self.complaints: list[str] = []
        self.page.on("console", lambda said: said.type in ("error", "warning") and self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        self.page.on("requestfailed", lambda request: self._failed(request.url, str(request.failure)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.context.close()
        if error is None:
            assert self.complaints == [], self.complaints

    def _failed(self, url: str, why: str) -> None:
        # Pending requests end when their page is left, and a stream is always pending.
        if "/live" not in url and "ERR_ABORTED" not in why:
            self.complaints.append(f"{url}: {why}")

    def visit(self, path: str) -> Page:
        """Load a page, and check that its policy blocked nothing."""
        self.page.goto(path)
        assert self.page.evaluate("window.violations") == []
        return self.page

    def log_in(self, name: str, token: str) -> Page:
        """Log in as a person does."""
        self.visit("/login")
        self.page.get_by_label("Who you are").fill(name)
        self.page.get_by_label("Token").fill(token)
        self.page.get_by_role("main").get_by_role("button", name="Log in").click()
        self.page.get_by_role("button", name="Log out").wait_for()
        return self.page

    def check(self, *, strict: bool = False) -> None:
        """Check that the page is accessible in its present state, and fits into the window.

        `strict`: axe finds nothing at all, however slight.
        """
        self.page.evaluate(_axe())
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        grave = [
            f"{one['id']} ({one['impact']}): {node['html'][:200]} {node['failureSummary'][:300]}"
            for one in found["violations"]
            if strict or one["impact"] in _GRAVE
            for node in one["nodes"][:3]
        ]
        assert not grave, f"{self.page.url}: {grave}"
        widths = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert widths[0] <= widths[1], f"{self.page.url} scrolls sideways"
