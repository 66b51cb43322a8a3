"""`triggerbot explain`: what jobs need, and what a failure follows from."""

from contextlib import closing

from tests.fakes.command_bench import REVISION
from triggerbot.systems import UNREAD

PUSH = ("try", REVISION)


def test_that_a_workflow_file_was_not_read_is_told(bench):
    """With the reason, in words and in JSON: then nobody knows what jobs need."""
    bench.hear(bench.event())
    with closing(bench.store()) as store:
        store.facts.set_metadata(
            store.pushes.find(*PUSH)[0], UNREAD, '{"7": "ci.yml: it was not understood: it has no jobs"}'
        )
    told = "What the jobs of workflow run 7 need is not known, so each counts by itself: ci.yml: it was not understood"
    assert told in bench.run("explain", *PUSH).stdout
    assert told in bench.run("explain", *PUSH, "--json").stdout


def test_what_a_failure_follows_from_is_told(bench):
    """As the reason of the refusal, and as what the job comes to; it is no failing job of its own."""
    bench.hear(bench.event())
    bench.hear(bench.event(job="gate", run_id="7", needs=("linux-mochitest-1",)))
    told = bench.run("explain", *PUSH, "gate").stdout
    assert "Not retriggered after run 7, derived (follows from `linux-mochitest-1`)" in told
    assert "Verdict: none (follows from `linux-mochitest-1`)" in told
    assert "1 follows from another" in bench.run("status", *PUSH).stdout
