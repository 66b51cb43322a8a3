"""`triggerbot retrigger`: a person asks for runs, for jobs that are known and for those that the CI knows."""

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.command_bench import CONFIG, REVISION, Bench
from triggerbot.core.model import Head, HeadKind

JOB = "linux-mochitest-1"
#: Commits that the branch was at, and when.
PUSHED = ((REVISION, 1.0), ("b" * 40, 2.0))


@pytest.fixture
def listed(bench: Bench) -> Iterator[Bench]:
    """Return a bench whose CI answers look-backs over HTTP: it lists one job of one push."""
    with FakeCI() as ci:
        ci.push(REVISION)
        ci.run(REVISION, JOB, result="success")
        bench.configure(CONFIG, urlsplit(ci.url).port or 0)
        bench.store().close()
        yield bench


def test_what_a_person_asks_for_is_recorded_and_sent(bench, real_now):
    """Also for a job that was retriggered already; the count is on top of the existing runs."""
    bench.hear(bench.event())
    answer = bench.run("retrigger", "try", "c0ffee", JOB, "-n", "3")
    assert answer.exit_code == 0
    assert "Recorded: 3 further runs of linux-mochitest-1" in answer.stdout
    assert f"triggerbot explain try {REVISION}" in answer.stdout
    assert "3 further runs asked for by a person" in bench.run("explain", "try", REVISION, JOB).stdout
    bench.now = time.time()
    bench.hear()
    out = bench.run("explain", "try", REVISION, JOB).stdout
    assert "Decided (manual): asks for 3 further runs, because a person asked for it" in out


def test_the_json_shows_what_was_recorded(bench, real_now):
    """Programs get the claim."""
    bench.hear(bench.event())
    answer = bench.json("retrigger", "try", "c0ffee", JOB)
    assert list(answer) == [
        "claim", "system", "project", "branch", "revision", "job", "count", "dry_run", "paused", "warning",
    ]  # fmt: skip
    assert (answer["revision"], answer["count"], answer["dry_run"]) == (REVISION, 1, False)


def test_a_superseded_push_is_carried_out_with_a_warning(bench, real_now):
    """The warning names the newer commit; `explain` tells of it, too."""
    bench.hear(bench.event())
    heads = (Head("ci", "try", "try", HeadKind.PUSHED, one, at) for one, at in PUSHED)
    bench.hear(*heads, listed=False)
    out = bench.run("retrigger", "try", "c0ffee", JOB).stdout
    assert "Recorded: 1 further run" in out
    assert "Note that this push is superseded: the newest commit of try is bbbbbbbbbbbb" in out
    assert bench.json("retrigger", "try", "c0ffee", JOB)["warning"].startswith("this push is superseded")
    assert (
        "This push is superseded: the newest commit of try is bbbbbbbbbbbb"
        in bench.run("explain", "try", "c0ffee").stdout
    )
    [found] = bench.json("explain", "try", "c0ffee")["pushes"]
    assert found["superseded_by"]["revision"] == "b" * 40
    bench.hear(Head("ci", "try", "try", HeadKind.DEFAULT), listed=False)
    assert bench.json("retrigger", "try", "c0ffee", JOB)["warning"] is None


def test_dry_run_only_records(bench, real_now):
    """In dry run the command says that nothing is sent."""
    bench.configure(CONFIG.replace("dry_run: false", "dry_run: true"))
    bench.hear(bench.event())
    assert "only be recorded" in bench.run("retrigger", "try", REVISION, JOB).stdout


def test_more_than_the_rule_allows_is_refused(bench):
    """The cap is that of requested.max."""
    bench.hear(bench.event())
    answer = bench.run("retrigger", "try", REVISION, JOB, "-n", "21")
    assert answer.exit_code == 2
    assert "at most 20" in answer.stderr


def test_a_push_that_only_the_ci_knows_is_looked_for(listed):
    """With the branch given, the CI is asked; then the push is like any other."""
    answer = listed.run("retrigger", "try", REVISION, JOB, "--branch", "try")
    assert answer.exit_code == 0, answer.output
    assert listed.run("explain", "try", REVISION, JOB).exit_code == 0


def test_without_the_branch_it_says_what_is_lacking(listed):
    """A push that is not known needs its branch."""
    answer = listed.run("retrigger", "try", REVISION, JOB)
    assert answer.exit_code == 2
    assert "add --branch and give the whole revision" in answer.stderr


def test_a_job_that_nobody_knows_suggests_others(listed):
    """After the look-back similar names are listed."""
    answer = listed.run("retrigger", "try", REVISION, "linux-mochitest-2", "--branch", "try")
    assert answer.exit_code == 2
    assert "no job 'linux-mochitest-2'" in answer.stderr
    assert "  linux-mochitest-1" in answer.stderr


def test_a_push_that_the_ci_does_not_know_is_reported(listed):
    """The CI's answer is passed on, with what to check."""
    answer = listed.run("retrigger", "try", "beef" * 10, JOB, "--branch", "try")
    assert answer.exit_code == 2
    assert "does not know the push" in answer.stderr
    assert "check project, branch and revision" in answer.stderr


def test_a_ci_that_is_down_still_suggests_what_is_known(bench):
    """No traceback, and the names from the store."""
    bench.hear(bench.event())
    answer = bench.run("retrigger", "try", REVISION, "linux-mochitest")
    assert answer.exit_code == 2
    assert "  linux-mochitest-1" in answer.stderr
    assert "The CI cannot be asked now" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["elsewhere", REVISION, JOB], "the rules name: try, careful"),
        (["try", REVISION, JOB, "--branch", "try", "--system", "nope"], "systems: ci"),
        (["try", "not-hex", JOB], "is no revision"),
    ],
)
def test_invalid_requests_are_explained(used, arguments, part):
    """Each error says what would be right."""
    answer = used.run("retrigger", *arguments)
    assert answer.exit_code == 2
    assert part in answer.stderr


def test_an_ambiguous_branch_is_refused(bench):
    """Nothing is sent on a guess."""
    bench.hear(bench.event(), bench.event(branch="other", run_id="2"))
    answer = bench.run("retrigger", "try", REVISION, JOB)
    assert answer.exit_code == 2
    assert "--branch other" in answer.stderr
    assert bench.run("retrigger", "try", REVISION, JOB, "--branch", "other").exit_code == 0
