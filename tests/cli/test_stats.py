"""`triggerbot stats`: the figures, for people and for programs."""

from tests.fakes.command_bench import CONFIG
from tests.fakes.sampled import sampled
from tests.store import older_stores
from triggerbot.core.model import Result
from triggerbot.store import DeadLetter, FailureRecord, Summary


def test_what_was_decided_sent_and_refused_is_counted(bench, real_now):
    """Decisions by reason, what was sent per hour and project, and what is open."""
    bench.hear(
        bench.event("linux-a", run_id="1"), bench.event("linux-b", run_id="2"), bench.event("x-unstable", run_id="3")
    )
    bench.hear(bench.event("linux-c", run_id="4"), dispatch=False)
    out = bench.run("stats").stdout
    assert "The last 7 d: 1 push, 4 runs." in out
    rows = [line.split() for line in out.splitlines()]
    assert ["trigger", "failure", "2", "4"] in rows
    assert ["refuse", "job_excluded", "1"] in rows
    assert ["try", "4", "0", "1"] in rows
    assert "retriggers that were sent: 4; per hour: 4 on average since the first, 4 in the busiest" in out
    assert "1 claim open:" in out
    assert "1 not decided yet" in out


def test_dry_run_counts_what_would_have_been_sent(bench, real_now):
    """Before it may do anything, an operator sees how much it would do."""
    bench.configure(CONFIG.replace("dry_run: false", "dry_run: true"))
    bench.hear(bench.event())
    out = bench.run("stats").stdout
    assert "The config says dry_run: nothing is sent." in out
    assert "retriggers that would have been sent (dry run): 2; per hour: 2 on average" in out
    assert "retriggers that were sent: none" in out


def test_the_json_has_stable_keys(bench, real_now):
    """Programs rely on these names."""
    bench.hear(bench.event())
    bench.run("pause", "--note", "tree closed")
    stats = bench.json("stats", "--since", "12h")
    assert list(stats) == [
        "since", "until", "dry_run", "paused", "per_hour", "decisions", "hours", "branches", "claims", "pushes",
        "runs", "dead_letters", "ended", "machine", "spared", "saved", "accuracy", "breakers", "last_hour", "rules",
        "projects",
        "costs", "intermittent",
    ]  # fmt: skip
    assert stats["paused"]["note"] == "tree closed"
    assert stats["per_hour"]["sent"]["total"] == 2
    assert stats["per_hour"]["would_have_sent"] == {"total": 0, "mean": 0.0, "busiest": 0, "busiest_hour": None}
    assert stats["hours"][0]["hour"].endswith(":00:00Z")


def test_each_rule_is_listed_with_its_costs(bench, real_now):
    """A branch counts for the first rule that matches it; a rule that caught nothing is listed, too."""
    bench.configure(CONFIG.replace("dry_run: false", "dry_run: true") + "  - projects: [other]\n")
    bench.hear(bench.event())

    first, *_, second = bench.json("stats")["rules"]

    assert (first["rule"], first["would_have_sent"], first["per_hour"]) == ("rules[0]", 2, 2.0)
    assert (second["projects"], second["would_have_sent"], second["per_hour"]) == (["other"], 0, 0.0)
    assert "rules[0] (try)" in bench.run("stats").stdout


def test_costs_and_savings_mark_estimates(bench, real_now):
    """Results, machine time and savings of retriggers."""
    bench.hear(
        bench.event("linux-a", run_id="1", started=real_now - 600), bench.event("x-unstable", run_id="2"),
    )  # fmt: skip
    bench.hear(bench.event("linux-a", "success", run_id="3", time=real_now + 600, started=real_now))
    out = bench.run("stats").stdout
    assert "2 retriggers" not in out
    assert "1 retrigger, 33.3 % of 3 runs: 1 passed." in out
    assert "Machine time of retriggers: about 10 min, 33.3 % of that of all runs (an estimate" in out
    assert "Machine time spared: about 20 min (an estimate: 1 failure not retriggered, × 2.0 retriggers" in out
    stats = bench.json("stats")
    assert stats["costs"]["ended"] == {"passed": 1, "failed": 0, "other": 0, "unfinished": 0}
    assert stats["costs"]["text"][0] in out
    assert stats["costs"]["people"] == {"failures": 1, "minutes_each_assumed": 10.0, "seconds_estimate": 600}


def test_jobs_are_ranked_by_how_intermittent_they_are(bench, real_now):
    """By the lower bound of the confidence interval, which is shown."""
    bench.hear(bench.event("linux-a", run_id="1"), bench.event("linux-a", "success", run_id="2"))
    where = bench.event().push
    store = bench.store()
    summary = Summary(where, "good", "", None, "", None, real_now, real_now)
    store.reports.judged(summary, [FailureRecord(where, "linux-a", real_now, 1, 1)], [], real_now)
    store.close()
    [job] = bench.json("stats")["intermittent"]
    assert (job["job"], job["project"], job["rate"], job["low"]) == ("linux-a", "try", 1.0, 0.2065)
    [row] = [line.split() for line in bench.run("stats").stdout.splitlines() if line.startswith("linux-a")]
    assert row[:9] == ["linux-a", "try", "100.0", "%", "20.7", "%", "100.0", "%", "1"]


def test_nothing_is_called_saved_where_nothing_was_sent(bench, real_now):
    """In dry run a person reran a job, and it passed: that is nobody's time saved."""
    bench.configure(CONFIG.replace("dry_run: false", "dry_run: true"))
    bench.hear(bench.event("linux-a", run_id="1"))
    bench.hear(bench.event("linux-a", "success", run_id="2", time=real_now + 600))

    assert bench.json("stats")["costs"]["people"]["failures"] == 0
    assert "People's time saved: about 0 s" in bench.run("stats").stdout


def test_a_job_that_fails_again_is_one_job(bench, real_now):
    """Also among refusals; a retrigger that fails is no refusal of its job."""
    bench.hear(bench.event("linux-a", run_id="1"), bench.event("x-unstable", run_id="1"))
    more = [bench.event(job, run_id=run, time=real_now + 60) for job in ("linux-a", "x-unstable") for run in "23"]
    bench.hear(*more)

    rows = [line.split() for line in bench.run("stats").stdout.splitlines()]

    assert not [row for row in rows if "already_claimed" in row]
    assert ["refuse", "job_excluded", "1"] in rows
    assert ["try", "2", "0", "1"] in rows
    assert bench.json("stats")["costs"]["spared"]["failures"] == 1


def test_what_is_older_than_asked_for_does_not_count(bench):
    """Only the requested period counts."""
    bench.hear(bench.event())
    assert bench.json("stats", "--since", "1s")["decisions"] == []


def test_pause_and_dead_letters_are_pointed_at(used):
    """What needs a person's attention stands out."""
    store = used.store()
    store.letters.add([DeadLetter(0, used.now, "ci", "webhook", "why", b"{}")])
    store.close()
    used.run("pause", "--note", "Moving Day for the DC")
    out = used.run("stats").stdout
    assert "Paused by " in out
    assert ": Moving Day for the DC; `triggerbot resume` goes on." in out
    assert "1 dead letter: see `triggerbot dead-letters list`." in out


def test_a_wrong_time_says_what_would_be_right(used):
    """A unit is required."""
    answer = used.run("stats", "--since", "7")
    assert answer.exit_code == 2
    assert "14d" in answer.stderr


def test_a_store_of_an_earlier_version_is_announced(bench):
    """Taking a large one over takes minutes, in which nobody shall wonder; the second time there is nothing to say."""
    older_stores.write_sqlite(bench.directory / "state.db", 6)

    assert "Taking over the store" in bench.run("stats", "--json").stderr
    assert bench.run("stats", "--json").stderr == ""


def test_what_evidence_and_causes_saved_is_told(bench, real_now):
    """How many retriggers went by what runs prove, of how many; and what jobs that failed alike did not cost."""
    weighed = "  - projects: [try]\n    retries: {{evidence: 5%, max: 4}}\n"
    bench.configure(CONFIG.replace("  - projects: [try]\n", weighed))
    alike = ("tests/test_login.py::test_refresh - AssertionError: assert 'expired' == 'valid'",)
    bench.hear(bench.event("linux-a", run_id="1", failures=alike))
    bench.hear(bench.event("linux-a", "success", run_id="2"))
    bench.hear(bench.event("linux-b", run_id="3", failures=alike))

    saved = bench.json("stats")["saved"]

    assert saved["evidence"]["asked"] <= saved["evidence"]["most"] == 4 * saved["evidence"]["jobs"]
    assert saved["same_cause"] == {"jobs": 0, "retriggers": 0}
    assert "By evidence 1 job got 1 retrigger of at most 4: 3 saved." in bench.run("stats").stdout


def test_how_often_it_is_right_is_told_with_intervals(bench, real_now):
    """In words and in JSON; the cause is among the decisions."""
    store = bench.store()
    for job, result in (("linux-a", Result.SUCCESS), ("linux-b", Result.FAILURE)):
        sampled(store, bench.event(job, "success", run_id="1"), result, real_now)
    store.close()

    out = bench.run("stats").stdout

    assert "passed: right in 50.0 % (9.5 to 90.5), n = 2" in out
    assert ["trigger", "calibration", "2", "2"] in [line.split() for line in out.splitlines()]
    found = bench.json("stats")["accuracy"]
    assert found["right"]["passed"] == {"number": 1, "n": 2, "share": 0.5, "low": 0.0945, "high": 0.9055}
    assert found["regressions_let_through"]["n"] == 0
