"""`triggerbot explain` and `status`: what a developer learns about a push."""

from contextlib import closing

import pytest

from tests.fakes.command_bench import CONFIG, REVISION
from triggerbot.core.formatting import moment
from triggerbot.core.model import Head, HeadKind, State
from triggerbot.core.policy import limits
from triggerbot.reports.glossary import REFUSALS
from triggerbot.reports.timeline import Standing, of_job
from triggerbot.systems.answers import Later, Refused, Unknown

PUSH = ("try", REVISION)


class Hangs(BaseException):
    """The daemon ends while the CI has not answered."""


def waits(bench, job, now):
    """Return what a job's open claim waits for at `now`."""
    with closing(bench.store()) as store:
        record = store.pushes.record(store.pushes.find(*PUSH)[0])
        found = next(one for one in record.jobs if one.job == job)
        return of_job(found, (), Standing(now, store.limits.paused(), store.limits.breakers()))[-1].text


def test_the_timeline_is_complete_and_in_order(bench):
    """Failure, decision, request, answer, the run that came of it, and what that proves."""
    bench.hear(bench.event(url="https://ci.example/100", failures=("test_a: 1 != 2",), step="run tests"))
    bench.now += 600
    bench.hear(bench.event(run_id="new-1", result="success", retrigger_of="op"))
    answer = bench.run("explain", *PUSH, "linux-mochitest-1")
    parts = [
        "Run 100 failed, in the step 'run tests'. https://ci.example/100",
        "test_a: 1 != 2",
        "Decided (failure): asks for 2 further runs, because a run of it failed.",
        "Request: asks for 2 of run 100.",
        "Answer: the CI accepted it.",
        "Run new-1 passed, a retrigger.",
        "Verdict: intermittent (failed 1 and passed 1 of 2 at the same revision; nothing is known of the job at other",
        "so it is intermittent; whether it was so before this change is not known.",
    ]
    places = [answer.stdout.index(part) for part in parts]
    assert (answer.exit_code, places) == (0, sorted(places))


def test_a_run_never_comes_after_what_it_led_to(bench):
    """The CI's clock may be ahead of ours."""
    bench.hear(bench.event(time=bench.now + 3600))
    out = bench.run("explain", *PUSH, "linux-mochitest-1").stdout
    assert out.index("Run 100 failed") < out.index("Decided")


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"job": "x-unstable-1"}, "job_excluded"),
        ({"result": "busted"}, "result_excluded"),
        ({"tier": 3}, "hidden"),
        ({"message": "DONTBUILD"}, "dontbuild"),
    ],
)
def test_a_refusal_says_what_it_means_and_what_to_do(bench, event, reason):
    """The reason's name, its meaning and the remedy are all there."""
    bench.hear(bench.event(**event))
    out = bench.run("explain", *PUSH).stdout
    assert f"Not retriggered after run 100, {reason}" in out
    assert str(REFUSALS[reason]) in out


def test_a_refusal_is_explained_once(bench):
    """The same reason of further runs is shown without repeating the advice."""
    bench.hear(bench.event("a-unstable", run_id="1"), bench.event("a-unstable", run_id="2"))
    out = bench.run("explain", *PUSH, "a-unstable").stdout
    assert out.count("job_excluded") == 2
    assert out.count(str(REFUSALS["job_excluded"])) == 1


def test_what_waits_says_for_what_until_when_and_how_often(bench, real_now):
    """An open claim is explained."""
    bench.ci.answers = [Later("HTTP 503", 300.0)]
    bench.hear(bench.event())
    out = bench.run("explain", *PUSH, "linux-mochitest-1").stdout
    assert "2 of 2 further runs remain; last: HTTP 503; 1 try so far; looks again at 20" in out


def test_what_the_ci_does_not_list_yet_is_waited_for(bench, real_now):
    """Before it gives up on a job, triggerbot asks again, and says so."""
    bench.hear(bench.event(), listed=False)
    out = bench.run("explain", *PUSH).stdout
    assert "Waits for the CI to know it: no such push (" in out
    assert "last: waits for the CI to know it: no such push; 1 try so far; looks again at 20" in out


def test_what_lies_about_asks_whether_the_daemon_runs(bench):
    """A claim that has been due for long suggests that no daemon is running."""
    bench.hear(bench.event(), dispatch=False)
    out = bench.run("explain", *PUSH, "linux-mochitest-1").stdout
    assert "it has been due since 20" in out
    assert "is the daemon (`triggerbot run`) running?" in out


def test_what_is_held_says_when_it_goes_on(bench, real_now):
    """The breaker and the time of its next canary are shown, not the routine check hours ahead."""
    bench.ci.answers = [Later("HTTP 503")] * 5
    jobs = [f"linux-{number}" for number in range(6)]
    for number, job in enumerate(jobs):
        bench.hear(bench.event(job, run_id=str(number)))
    out = bench.run("explain", *PUSH, jobs[5]).stdout
    assert "last: held: the breaker of system ci is open, for 5 requests in a row failed" in out
    assert f"; goes on when the breaker closes; the next canary may go at {moment(real_now + 5)}." in out
    assert "looks again" not in out
    bench.now += 20
    reason = waits(bench, jobs[5], bench.now)
    assert reason.endswith("; goes on when the breaker closes; the next canary may go now.")
    bench.ci.answers = [Hangs()]
    with pytest.raises(Hangs):
        bench.hear()
    reason = waits(bench, jobs[5], bench.now)
    assert reason.endswith(f"; goes on when the breaker closes; its canary was sent ahead at {moment(bench.now)}.")


def test_what_a_cap_holds_says_so(bench, real_now):
    """No action is needed: it continues by itself."""
    bench.hear(bench.event(), dispatch=False)
    with closing(bench.store()) as store:
        (claim,) = store.pushes.work(store.pushes.find(*PUSH)[0]).claims
        store.claims.hold(claim, limits.behind("service"), real_now + 20_000, "held: the cap is reached", real_now)
    out = bench.run("explain", *PUSH).stdout
    assert "last: held: the cap is reached; goes on as soon as there is room again within the hour." in out


def test_a_request_under_way_is_no_sign_of_a_daemon_that_is_away(bench):
    """The CI is slow; only after the longest possible wait is the daemon presumed gone."""
    bench.hear(bench.event(), dispatch=False)
    bench.now += 30
    bench.ci.answers = [Hangs()]
    with pytest.raises(Hangs):
        bench.hear()
    words = f"2 of 2 further runs remain; the CI has been asked since {moment(bench.now)} and has not answered yet."
    assert waits(bench, "linux-mochitest-1", bench.now + 60).endswith(words)
    reason = waits(bench, "linux-mochitest-1", bench.now + 91)
    assert reason.endswith(f"it has been due since {moment(bench.now)}: is the daemon (`triggerbot run`) running?")


def test_a_failure_that_differs_each_time_is_not_laid_to_the_change(bench):
    """The verdict's words and the advice say the same."""
    bench.hear(bench.event(run_id="1", failures=("test_login.py: AssertionError: 1 != 2",)))
    bench.hear(bench.event(run_id="2", failures=("Segmentation fault in libgl at startup",)))
    bench.hear(bench.event(run_id="3", failures=("No space left on device while unpacking",)))
    out = bench.run("explain", *PUSH).stdout
    assert "differently each time: that looks like the machine" in out
    assert "most likely it is the machine, not the change" in out
    assert "most likely it is the change" not in out


def test_a_failure_that_jobs_share_stands_on_lines_of_its_own(bench):
    """An empty line separates it."""
    line = "tests/test_login.py::test_login: AssertionError: 1 != 2"
    for number in range(3):
        bench.hear(bench.event(f"linux-{number}", run_id=str(number), failures=(line,)))
    lines = bench.run("explain", *PUSH).stdout.splitlines()
    assert f"3 jobs show the same failure: {line}" in lines
    assert lines[lines.index(f"3 jobs show the same failure: {line}") - 1] == ""


def test_a_request_that_is_cut_says_by_what(bench):
    """The options of the message and the decision agree."""
    bench.hear(bench.event(message="try: --rebuild 50"))
    out = bench.run("explain", *PUSH).stdout
    assert "Its message asks: 50 further runs of every test job." in out
    assert "asks for 20 further runs, because the push asks for 50 of it, and `requested.max` allows 20." in out


def test_each_decision_shows_the_budget_that_it_spent(bench):
    """Nine jobs fail at once: each decision is explained by itself, all in the same words."""
    bench.hear(*(bench.event(f"linux-{number}", run_id=str(number)) for number in range(9)))
    out = bench.run("explain", *PUSH).stdout
    for number in range(5):
        assert f"jobs of the push that were retriggered for failures before: {number} of at most 5" in out
    words = "5 % of its 9 jobs and one more, or 5 if that is more"
    assert out.count(f"5 jobs of the push (5 causes) were retriggered for failures; its budget is 5: {words})") == 4


def test_a_pause_is_why_it_waits(bench, real_now):
    """While paused, what waits says so."""
    bench.hear(bench.event(), dispatch=False)
    bench.run("pause")
    assert "everything is paused by" in bench.run("explain", *PUSH).stdout


def test_doubt_and_a_refusal_of_the_ci_are_shown(bench, real_now):
    """An ambiguous answer and a refusal of the CI come with its words."""
    bench.ci.answers = [Unknown("timeout"), Refused("HTTP 409 too old")]
    bench.hear(bench.event("linux-a", run_id="1"))
    bench.hear(bench.event("linux-b", run_id="2"))
    out = bench.run("explain", *PUSH).stdout
    assert "In doubt: no clear answer: timeout." in out
    assert "refused_by_ci (HTTP 409 too old): The CI will not run this job again." in out


def test_dry_run_says_that_nothing_is_sent(bench):
    """The decision is shown as one that was not carried out."""
    bench.configure(CONFIG.replace("dry_run: false", "dry_run: true"))
    bench.hear(bench.event())
    out = bench.run("explain", *PUSH).stdout
    assert "would ask for 2 further runs" in out
    assert "Dry run: nothing is sent." in out


def test_a_bad_request_in_the_message_is_shown(bench):
    """The options of the message, and those that are invalid, stand at the top."""
    bench.hear(bench.event(message="try: --rebuild many --rebuild-talos 3"))
    out = bench.run("explain", *PUSH).stdout
    assert "Its message asks: 3 further runs of every job of the group talos." in out
    assert "Note: --rebuild wants a whole number" in out


def test_jobs_without_a_story_are_counted(bench):
    """A push has thousands of jobs that passed: one line for all of them, details on request."""
    bench.hear(*(bench.event(f"ok-{number}", "success", run_id=str(number)) for number in range(3)))
    out = bench.run("explain", *PUSH).stdout
    assert "3 further jobs without a failure" in out
    assert "ok-1" not in out
    assert "It passed, so there was nothing to decide." in bench.run("explain", *PUSH, "ok-1").stdout


def test_beginnings_of_revisions_work_until_they_are_ambiguous(bench):
    """An abbreviated revision is enough; an ambiguous one lists the matches."""
    other = REVISION[:-1] + "1"
    bench.hear(bench.event(), bench.event(revision=other))
    assert bench.run("explain", "try", REVISION.upper()).exit_code == 0
    answer = bench.run("explain", "try", "c0ffee")
    assert answer.exit_code == 2
    assert "the beginning of 2 revisions" in answer.stderr
    assert f"  {REVISION}" in answer.stderr
    assert f"  {other}" in answer.stderr


def test_what_is_not_known_says_why_that_may_be(bench):
    """Unwatched, too old, never reported, no daemon: every reason is named."""
    bench.hear(bench.event())
    answer = bench.run("explain", "try", "beef")
    assert answer.exit_code == 2
    for part in ("nothing is known of beef in try", "no event of it has come", "14 d", "daemon", REVISION):
        assert part in answer.stderr
    assert "the rules name: try, careful" in bench.run("explain", "tyr", "beef").stderr
    assert "is no revision" in bench.run("explain", "try", "main").stderr


def test_what_is_known_elsewhere_is_said(bench):
    """A wrong branch or system does not make a known push unknown."""
    bench.hear(bench.event())
    answer = bench.run("status", *PUSH, "--branch", "main")
    assert answer.exit_code == 2
    assert f"nothing is known of {REVISION} in try on the branch 'main'\n" in answer.stderr
    assert "it is known with:\n  --branch try --system ci" in answer.stderr
    assert "no event of it" not in answer.stderr
    answer = bench.run("status", *PUSH, "--system", "foo")
    assert "the config names no system 'foo'; systems: ci\n" in answer.stderr
    assert "  --branch try --system ci" in answer.stderr
    answer = bench.run("explain", "try", "beef", "--system", "foo")
    assert "nothing is known of beef in try of the system 'foo': the config names no system 'foo'" in answer.stderr
    assert "no event of it" in bench.run("explain", "try", "beef", "--system", "ci").stderr


def test_a_daemon_that_does_not_answer_is_reported(bench):
    """The address in the config is asked."""
    bench.hear(bench.event())
    bench.config.write_text(bench.config.read_text().replace('listen: "off"', "listen: 127.0.0.1:9"))
    assert "nothing answers at 127.0.0.1:9; start it" in bench.run("explain", "try", "beef").stderr


def test_a_job_that_is_not_known_suggests_others(bench):
    """A misspelt job name is answered with similar names."""
    bench.hear(bench.event(), bench.event("other", run_id="2"))
    answer = bench.run("explain", *PUSH, "linux-mochitest-2")
    assert answer.exit_code == 2
    assert "linux-mochitest-1" in answer.stderr
    assert "mochitest" in bench.run("explain", *PUSH, "MOCHI").stderr


def test_that_what_is_asked_for_does_not_count_is_told(bench):
    """On the default branch, where the CI says that it is that."""
    bench.hear(
        Head("ci", "try", "try", HeadKind.DEFAULT),
        bench.event(message="a stranger's\n\ntriggerbot: --rebuild 20"),
    )

    out = bench.run("explain", *PUSH).stdout

    assert (
        "Its message asks: 20 further runs of every test job (further runs do not count on the default branch)." in out
    )


def test_hostile_text_stays_text(bench):
    """Names, failure lines and addresses cannot steer a terminal or rich."""
    evil = "[bold]x[/bold]\x1b]0;owned\x07\u202e"
    bench.hear(bench.event(evil, failures=("\x1b[2J", "[/nope]"), url="https://x/\x1b[31m", author="\x9b31m"))
    for answer in (bench.run("explain", *PUSH), bench.run("status", *PUSH), bench.run("explain", *PUSH, evil)):
        assert r"[bold]x[/bold]\x1b]0;owned\x07\u202e" in answer.stdout
        assert not set(answer.output) & {"\x1b", "\x07", "\x9b", "\u202e"}
    assert "[/nope]" in bench.run("explain", *PUSH, evil).stdout


def test_explain_as_json_has_a_story_for_each_job(bench):
    """Programs get the runs, claims and the timeline."""
    bench.hear(bench.event(), bench.event("ok", "success", run_id="2"))
    (push,) = bench.json("explain", *PUSH)["pushes"]
    assert [job["job"] for job in push["jobs"]] == ["linux-mochitest-1", "ok"]
    assert [line["what"] for line in push["jobs"][0]["story"]] == ["run", "trigger", "send", "accepted"]
    assert push["revision"] == REVISION
    (push,) = bench.json("explain", *PUSH, "ok")["pushes"]
    assert [job["job"] for job in push["jobs"]] == ["ok"]


@pytest.mark.parametrize(
    ("events", "code", "health", "letters"),
    [
        ([("success", "1")], 0, "good", "G"),
        ([("failure", "1"), ("success", "2")], 0, "good", "OG"),
        ([("busted", "1")], 1, "failing", "R"),
        ([("infra", "1"), ("timed_out", "2")], 2, "incomplete", "XR"),
        ([("infra", "1")], 2, "incomplete", "X"),
        ([("cancelled", "1")], 2, "incomplete", "-"),
        ([("skipped", "1")], 0, "good", "-"),
        ([("cancelled", "1"), ("skipped", "2"), ("success", "3")], 0, "good", "--G"),
        ([("failure", "1")], 2, "pending", "O"),
        ([("success", "1"), (None, "2")], 2, "pending", "G."),
    ],
)
def test_status_tells_by_its_exit_code(bench, real_now, events, code, health, letters):
    """0 good, 1 failing, 2 pending or incomplete; the runs stand in a row, oldest first."""
    bench.hear(*(bench.event("linux-1", result, run_id=run) for result, run in events))
    answer = bench.run("status", *PUSH)
    assert answer.exit_code == code, answer.output
    assert f"{health}: " in answer.stdout
    assert answer.stdout.splitlines()[1].split()[0] == letters
    status = bench.json("status", *PUSH)
    assert status["health"] == health
    assert status["pushes"][0]["jobs"][0]["letters"] == letters


@pytest.mark.parametrize(("event", "code", "health"), [("pull_request", 1, "failing"), ("push", 0, "good")])
def test_a_pass_of_another_event_makes_nothing_intermittent(bench, event, code, health):
    """At any CI: a pull request may test other code than the push."""
    bench.hear(bench.event("a", run_id="1", event="push"))
    bench.hear(bench.event("a", run_id="3", event="push"), bench.event("a", run_id="4", event="push"))
    bench.hear(bench.event("a", "success", run_id="2", event=event))
    answer = bench.run("status", *PUSH)
    assert (answer.exit_code, bench.json("status", *PUSH)["health"]) == (code, health)
    assert ("passed only in runs of another event (pull_request, push)" in answer.stdout) is bool(code)


def test_the_worst_of_several_pushes_of_a_revision_counts(bench):
    """A revision that was pushed to two branches is good only if both are."""
    bench.hear(bench.event("a", "success"), bench.event("a", "busted", branch="other", run_id="2"))
    assert bench.run("status", *PUSH).exit_code == 1
    assert bench.run("status", *PUSH, "--branch", "try").exit_code == 0
    assert len(bench.json("status", *PUSH)["pushes"]) == 2


def test_a_push_that_is_not_known_is_exit_2(used):
    """Unknown is neither good nor failing; programs read it, people get the reasons."""
    answer = used.run("status", *PUSH, "--json")
    assert answer.exit_code == 2
    assert answer.stdout == '{"health": "unknown", "pushes": []}\n'
    assert "nothing is known" in answer.stderr


def test_a_running_job_says_that_it_is_too_early(bench):
    """Nothing is decided about what has not finished."""
    bench.hear(bench.event(result=None, state=State.PENDING))
    out = bench.run("explain", *PUSH, "linux-mochitest-1").stdout
    assert "Run 100 has not started yet." in out
    assert "Nothing is decided before it has finished." in out
