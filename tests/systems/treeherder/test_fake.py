"""The fake is as strict and as lax as the real Treeherder was seen to be."""

from typing import Any

import httpx
import pytest

from tests.fakes.treeherder import NAME_MAX, FakeTreeherder
from tests.systems.treeherder.jobs import REVISION

HTML = "html"


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("project/nowhere/push/?revision=abc", 404, dict),
        ("project/nowhere/jobs/", 404, dict),
        ("project/owner%2Fname/push/?revision=abc", 500, HTML),
        (f"project/try/push/?revision={REVISION.upper()}", 200, dict),
        ("project/try/push/999/", 404, str),
        ("project/try/jobs/999/bug_suggestions/", 404, str),
        ("project/try/jobs/999/text_log_errors/", 404, str),
        ("project/try/job-log-url/?job_id=999", 200, list),
        ("project/try/note/?job_id=999", 500, HTML),
        ("project/try/note/", 400, dict),
        ("project/try/jobs/?last_modified__gt=yesterday", 400, str),
        ("project/try/jobs/?count=2001", 400, dict),
        ("project/try/jobs/?count=many", 400, str),
        ("project/try/jobs/?push_id=999", 200, dict),
        ("jobs/?push_id=100&count=2000&page=2", 404, dict),
        ("jobs/?push_id=100&count=2000&page=1", 200, dict),
    ],
)
def test_answers_to_what_is_wrong(treeherder: FakeTreeherder, path: str, status: int, kind: Any) -> None:
    """Each in its own form: an object, a plain text as JSON, or a page for people."""
    treeherder.job(treeherder.push(REVISION))
    reply = httpx.get(f"{treeherder.url}/api/{path}")
    assert reply.status_code == status
    if kind is HTML:
        assert reply.text.startswith("<")
    else:
        assert isinstance(reply.json(), kind)


def test_what_it_does_not_have(treeherder: FakeTreeherder) -> None:
    """Tests fail that ask for anything which no real server was seen to answer."""
    for path in ("nothing/", "project/try/push/?branch=x"):
        httpx.get(f"{treeherder.url}/api/{path}")
    assert [one.rpartition("/api/")[2] for one in treeherder.unknown] == ["nothing/", "project/try/push/?branch=x"]
    treeherder.unknown.clear()


def test_what_it_lists_of_what_is_not_there(treeherder: FakeTreeherder) -> None:
    """A filter that fits nothing is dropped; a revision in capitals is none."""
    treeherder.job(treeherder.push(REVISION))
    found = [
        httpx.get(f"{treeherder.url}/api/project/try/{path}").json()["results"]
        for path in ("jobs/?push_id=999", f"push/?revision={REVISION.upper()}")
    ]
    assert [len(one) for one in found] == [1, 0]


def test_names_are_cut(treeherder: FakeTreeherder) -> None:
    """To the length that its messages allow."""
    assert len(treeherder.job(treeherder.push(REVISION), "n" * 200)["job_type_name"]) == NAME_MAX
