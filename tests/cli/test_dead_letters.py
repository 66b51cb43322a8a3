"""`triggerbot dead-letters`: list what failed, retry it, drop it."""

import json

import pytest

from tests.fakes.command_bench import NOW, REVISION, Bench, failed_run
from triggerbot.store import DeadLetter


@pytest.fixture
def buried(bench: Bench) -> Bench:
    """Return a bench with three letters: one that can be read by now, one that never can, one of an unknown system."""
    store = bench.store()
    right = json.dumps(failed_run()).encode()
    store.letters.add(
        [
            DeadLetter(0, NOW, "ci", "webhook", "KeyError: 'x'", b"[" + right + b"]", {"content-type": "a"}),
            DeadLetter(0, NOW, "ci", "file", "JSON is malformed", b"\x1b[2J[red]\xff garbage"),
            DeadLetter(0, NOW, "gone", "file", "", json.dumps(failed_run(revision="beef" * 10)).encode()),
        ]
    )
    store.close()
    return bench


def test_they_are_listed_for_people_and_programs(buried):
    """With time, origin, reason and the beginning of the message, as text only."""
    out = buried.run("dead-letters", "list").stdout
    assert "KeyError: 'x'" in out
    assert r"\x1b[2J[red]" in out
    assert "\x1b" not in out
    rows = [json.loads(line) for line in buried.run("dead-letters", "list", "--json").stdout.splitlines()]
    assert [row["id"] for row in rows] == [1, 2, 3]
    assert list(rows[0]) == ["id", "at", "system", "intake", "reason", "headers", "body"]
    assert len(buried.run("dead-letters", "list", "--limit", "1", "--json").stdout.splitlines()) == 1


def test_one_is_shown_whole(buried):
    """With its headers and all of its body: JSON laid out, anything else as text only."""
    out = buried.run("dead-letters", "show", "1").stdout
    assert "from ci by webhook" in out
    assert "reason: KeyError: 'x'" in out
    assert "content-type: a" in out
    assert json.loads(out.partition("\n\n")[2]) == [failed_run()]
    other = buried.run("dead-letters", "show", "2").stdout
    assert r"\x1b[2J[red]" in other
    assert "\x1b" not in other
    assert buried.json("dead-letters", "show", "3")["id"] == 3
    missing = buried.run("dead-letters", "show", "9")
    assert missing.exit_code == 2
    assert "there is no dead letter 9" in missing.stderr


def test_deep_json_is_shown_as_it_is(bench):
    """It is foreign: what cannot be laid out is no reason for a traceback."""
    store = bench.store()
    store.letters.add([DeadLetter(0, NOW, "ci", "webhook", "too deep", b"[" * 100_000)])
    store.close()

    answer = bench.run("dead-letters", "show", "1")

    assert answer.exit_code == 0
    assert answer.stdout.endswith("[[[\n")


def test_none_is_said(used):
    """An empty list is reported as a sentence."""
    assert used.run("dead-letters", "list").stdout == "No dead letters.\n"


def test_a_retry_keeps_only_what_still_fails(buried):
    """Messages that can be read now are observed and dropped; the rest stays, with the reason."""
    answer = buried.run("dead-letters", "retry", "--all")
    assert answer.exit_code == 1
    assert "2 messages handled, 1 kept." in answer.stdout
    assert answer.stderr.startswith("2: kept, for it still fails: ")
    assert [json.loads(buried.run("dead-letters", "list", "--json").stdout)["id"]] == [2]
    assert buried.run("explain", "try", REVISION).exit_code == 0
    assert buried.run("explain", "try", "beef").exit_code == 0


def test_some_are_retried_by_id(buried):
    """Only those that are named."""
    assert buried.run("dead-letters", "retry", "1").exit_code == 0
    assert buried.json("stats")["dead_letters"] == 2


def test_dropping_forgets_them(buried):
    """By id, or all of them."""
    assert "1 message forgotten." in buried.run("dead-letters", "drop", "2").stdout
    assert "2 messages forgotten." in buried.run("dead-letters", "drop", "--all").stdout
    assert buried.json("stats")["dead_letters"] == 0


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["retry"], "either ids"),
        (["drop", "1", "--all"], "either ids"),
        (["drop", "1", "77", "78"], "there is no dead letter 77, 78"),
        (["drop", "one"], "not a valid integer"),
        (["add_dead_letters"], "No such command"),
    ],
)
def test_it_has_to_be_said_which(buried, arguments, part):
    """Nothing is dropped on a guess."""
    answer = buried.run("dead-letters", *arguments)
    assert answer.exit_code == 2
    assert part in answer.stderr
    assert buried.json("stats")["dead_letters"] == 3
