"""`triggerbot backfill`: a person asks who broke a job of a branch."""

import pytest

from tests.fakes.command_bench import CONFIG, Bench
from triggerbot.core.branch.backfill import Conclusion, Found
from triggerbot.core.model import PushFacts

GOOD, MIDDLE, BAD = ("a" * 40, "b" * 40, "c" * 40)
JOB = "linux-mochitest-1"


@pytest.fixture
def broken(bench: Bench, real_now: float) -> Bench:
    """Return a bench with a branch on which a job was broken, by one of two pushes."""
    fill(bench)
    return bench


def fill(bench: Bench) -> None:
    """Let a job pass, not run, and fail at three pushes."""
    results = ((GOOD, JOB, "success"), (MIDDLE, "other", "success"), (BAD, JOB, "failure"))
    for number, (revision, job, result) in enumerate(results):
        event = bench.event(job, result, revision=revision, run_id=str(number), time=bench.now - 900 + 100 * number)
        bench.ci.facts[event.push] = PushFacts(event.push, "", f"dev{number}", event.time)
        bench.hear(event)
    bench.ci.makes_runs = False
    # Its retriggers fail, too.
    for number in range(2):
        bench.hear(bench.event(JOB, "failure", revision=BAD, run_id=f"again-{number}", time=bench.now - 500))


def test_a_search_is_recorded_and_listed(broken: Bench) -> None:
    """Once; what the daemon makes of it is shown by the same command without a job."""
    nothing = broken.run("backfill", "try", "try")
    assert "Nobody has asked who broke a job of try" in nothing.stdout
    answer = broken.run("backfill", "try", "try", JOB)
    assert answer.exit_code == 0
    assert (
        "Fails since cccccccccccc, and passed last at aaaaaaaaaaaa; 1 push in between proves nothing." in answer.stdout
    )
    assert "Recorded: it is looked for." in answer.stdout
    assert "It is looked for already: begins." in broken.run("backfill", "try", "try", JOB).stdout
    assert f"{JOB}: begins (goes on, asked for by a command)" in broken.run("backfill", "try", "try").stdout
    explained = broken.run("explain", "try", BAD)
    assert f"Who broke {JOB}: begins." in explained.stdout
    store = broken.store()
    (search,) = store.backfills.of_branch(("ci", "try", "try"))
    store.backfills.run_at(search.id, [MIDDLE], "has it run", broken.now, broken.now)
    store.close()
    story = broken.run("explain", "try", MIDDLE, JOB)
    assert "Open: 1 run to find who broke the job" in story.stdout
    assert [one["job"] for one in broken.json("explain", "try", MIDDLE, JOB)["pushes"][0]["not_run"]] == [JOB]
    wrong = broken.run("explain", "try", MIDDLE, f"{JOB} (push)")
    assert (wrong.exit_code, f"perhaps one of these:\n  {JOB}" in wrong.stderr) == (2, True)
    store = broken.store()
    store.backfills.conclude(search.id, Conclusion(Found.FIRST_BAD, BAD, BAD, MIDDLE), "dev2", broken.now)
    store.close()
    assert f"{JOB}: first bad: cccccccccccc by dev2 (asked" in broken.run("backfill", "try", "try").stdout


def test_programs_get_the_search(broken: Bench) -> None:
    """And the list."""
    answer = broken.json("backfill", "try", "try", JOB, "--at", BAD[:8])
    assert (answer["new"], answer["search"]["state"], answer["search"]["bad"]) == (True, "open", BAD)
    (listed,) = broken.json("backfill", "try", "try")["searches"]
    assert listed == answer["search"]
    assert list(listed) == [
        "job", "since", "by", "dry_run", "good", "bad", "max", "asked", "state", "sentence", "first", "last", "author",
        "ended",
    ]  # fmt: skip


def test_what_needs_no_run_is_answered_at_once(broken: Bench) -> None:
    """Where the two pushes are neighbours, or the job does not fail."""
    broken.hear(broken.event(JOB, "success", revision=MIDDLE, run_id="m", time=broken.now - 800))
    assert broken.run("backfill", "try", "try", JOB).stdout == "First bad: cccccccccccc by dev2.\n"
    assert broken.json("backfill", "try", "try", JOB)["search"] is None
    said = broken.run("backfill", "try", "try", JOB, "--at", GOOD).stdout
    assert "does not fail at aaaaaaaaaaaa" in said


def test_dry_run_and_a_pause_are_said(bench: Bench, real_now: float) -> None:
    """Nothing is sent, or not now."""
    bench.configure(CONFIG.replace("dry_run: false", "dry_run: true"))
    fill(bench)
    bench.run("pause")
    assert "it will only be said where it would be run" in bench.run("backfill", "try", "try", JOB).stdout
    bench.configure(CONFIG)
    assert "only be said" in bench.run("backfill", "try", "try", JOB).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("try", "tri", JOB), "no push of the branch 'tri' of try is known; perhaps one of these:\n  try"),
        (("try", "try", "linux-mochitest-2"), "perhaps one of these:\n  linux-mochitest-1"),
        (("try", "try", "zz"), "no job 'zz' is known of the last pushes of try; 2 jobs are"),
        (("try", "try", JOB, "--at", "f00"), "'f00' is no known push of try"),
        (("try", "try", JOB, "--system", "xx"), "the config names no system 'xx'"),
        (("else", "try", JOB), "no push of the branch 'try' of else is known"),
    ],
)
def test_what_cannot_be_meant(broken: Bench, arguments: tuple[str, ...], says: str) -> None:
    """Exit code 2, and a sentence."""
    answer = broken.run("backfill", *arguments)
    assert answer.exit_code == 2
    assert says in answer.stderr
