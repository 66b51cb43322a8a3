"""Foreign text on pages: it stands in texts and in values of attributes, and nothing is made of it."""

from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from tests.fakes.site import House, Person
from tests.fakes.world import event, failure, push
from tests.reports.reporters.test_foreign import CONSTRUCTS, MARK
from triggerbot.core.model import CommentCommand
from triggerbot.core.run_tests import FailingTest, RunTests

#: Attributes whose values may repeat foreign text.
_VALUES = {"href", "title", "value", "id", "action", "aria-label", "content", "datetime"}


class Reader(HTMLParser):
    """Notes where the mark stands, and where links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.shown = 0
        self.wrong: list[str] = []
        self.links: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that is made of foreign text, and its addresses."""
        for name, value in attrs:
            foreign = MARK in unquote(value or "")
            if MARK in tag or MARK in name or (foreign and not (name in _VALUES or name.startswith("data-"))):
                self.wrong.append(f"<{tag} {name}>")
            if name in ("href", "src", "action"):
                self.links.append(value or "")

    def handle_data(self, data: str) -> None:
        """Count what is text."""
        self.shown += MARK in data

    def handle_comment(self, data: str) -> None:
        """There are none of ours."""
        self.wrong.append(f"<!--{data}-->")

    def unknown_decl(self, data: str) -> None:
        """Nor of these."""
        self.wrong.append(data)


@pytest.mark.parametrize("number", range(0, len(CONSTRUCTS), 10))
def test_whatever_is_foreign_stays_text(number: int, make_house: Callable[..., House]) -> None:
    """From CIs, commits and people: no tag, no attribute and no link of it, but that to a run."""
    text = f"{MARK}{''.join(CONSTRUCTS[number : number + 10])}{MARK}".replace("\ud800", "?")
    house = make_house()
    where = push(branch=text)
    house.hear(
        failure(f"{text} 1", "1", push=where, author=text, message=text, failures=(text,), pool=text, step=text,
                url=f"https://ci.example/{text}",
                tests=RunTests(1, 1, failing=(FailingTest(text, text),))),
        failure(f"{text} 2", "2", push=where, failures=(text,), url=f"{text}://x"),
        event(f"{text} 3", "3", push=where, result="success", url=f"https://ci.example/{text}"),
        CommentCommand("ci", "1", "try", text, f"why {text}", revision=where.revision),
    )  # fmt: skip
    house.settle()
    with Person(house) as ada:
        ada.log_in(name="ada")
        ada.send(ada.forms("/")["pause"], note=text)
        path = f"/pushes/try/{where.revision}"
        pages = [ada.get("/"), ada.get("/errors"), ada.get("/", text=text, author=text), ada.get(path),
                 ada.get(path, job=f"{text} 1"), ada.get(path, job=text), ada.get("/login", next=text)]  # fmt: skip

    for answer in pages:
        read = Reader(answer.text)
        assert read.wrong == []
        leads = [one for one in read.links if one and not one.startswith(("/", "#", "?"))]
        assert all(one.startswith("https://ci.example/") for one in leads), leads
        assert all(not one.startswith("//") for one in read.links)
    assert all(Reader(answer.text).shown for answer in pages[:4])
