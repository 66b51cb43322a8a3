"""The site: it builds without a warning, has no dead links, and loads nothing from other hosts."""

import functools
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests import ROOT
from tests.service.browser.chromium import browser

from .blocks import read
from .markdown import slug

#: What a browser loads by itself: the attribute with the address, by tag.
_LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it, as `make docs` does."""
    target = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", target],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return target


class _Loads(HTMLParser):
    """Collects what a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name == _LOADED.get(tag) and value]


@pytest.mark.slow
def test_no_page_names_anything_from_elsewhere(site: Path) -> None:
    """Neither pages nor styles: no fonts, scripts or pictures of others."""
    for page in site.rglob("*.html"):
        loads = _Loads()
        loads.feed(page.read_text())
        assert loads.found
        assert [one for one in loads.found if re.match(r"(?:[a-z]+:)?//", one)] == [], page.name
    for style in site.rglob("*.css"):
        assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)\"']*", style.read_text()) == [], style.name


@pytest.fixture
def served(site: Path) -> Iterator[str]:
    """Serve it on this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
def test_a_browser_loads_nothing_from_elsewhere(served: str) -> None:
    """Searching and following a result stays on the site, with scripts enabled."""
    asked: list[str] = []
    with browser() as chromium:
        page = chromium.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{served}/index.html")
        page.get_by_role("textbox", name="Search").press_sequentially("intermittent")
        page.locator(".md-search-result__link").first.click()
        page.wait_for_url(lambda url: "index.html" not in url)
        page.goto(f"{served}/explanation/architecture.html")
        page.wait_for_load_state("networkidle")

    assert len(asked) > 5
    assert [url for url in asked if not url.startswith((served, "blob:", "data:"))] == []


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"])
def test_links_beside_the_site_lead_somewhere(name: str) -> None:
    """MkDocs checks the links within docs/; this checks links from outside into it."""
    for link in _LINK.findall((ROOT / name).read_text()):
        path, _, anchor = link.partition("#")
        if not path.startswith("https://"):
            target = ROOT / path if path else ROOT / name
            assert target.exists(), link
            assert not anchor or anchor in _anchors(target), link


def test_nothing_names_a_page_that_is_not_there() -> None:
    """Comments, messages and configs name pages as `docs/...`."""
    named = [
        (path, page)
        for top in ("triggerbot", "config", "deploy", "Makefile")
        for path in _files(ROOT / top)
        for page in re.findall(r"\bdocs/[\w/-]+\.md", path.read_text(errors="replace"))
    ]

    assert named
    assert [(str(path), page) for path, page in named if not (ROOT / page).exists()] == []


def _files(top: Path) -> Iterator[Path]:
    if top.is_file():
        yield top
    yield from (path for path in top.rglob("*") if path.is_file() and path.suffix != ".pyc")


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, without lines in code blocks that look like one."""
    inside = {line for block in read(page) if hasattr(block, "text") for line in block.text.splitlines()}
    lines = [line for line in page.read_text().splitlines() if line.startswith("#") and line not in inside]
    return {slug(line.lstrip("#")) for line in lines}
