"""`triggerbot replay`: exact output for given events."""

import json

import pytest

from tests.fakes.command_bench import CONFIG, NOW, REVISION, failed_run

OTHER = "beef" + "1" * 36


def decisions(answer):
    """Read what --json printed as (action, reason, count, event)."""
    found = [json.loads(line) for line in answer.stdout.splitlines()]
    return [(one["action"], one["reason"], one["count"], one["event"]) for one in found]


def test_a_failure_is_retriggered_with_exactly_these_keys(bench, lines):
    """The JSON is a promise to other programs: keys, order and values."""
    answer = bench.run("replay", str(lines({})), "--json")
    assert answer.exit_code == 0, answer.output
    assert answer.stderr == ""
    assert list(json.loads(answer.stdout).items()) == [
        ("action", "trigger"),
        ("reason", "failure"),
        ("count", 2),
        ("project", "try"),
        ("branch", "try"),
        ("revision", REVISION),
        ("job", "linux-mochitest-1"),
        ("event", 1),
    ]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([{"project": "elsewhere"}], [("refuse", "not_watched", 0, 1)]),
        ([{"job": "linux-unstable-1"}], [("refuse", "job_excluded", 0, 1)]),
        ([{"kind": "build"}], [("refuse", "kind_excluded", 0, 1)]),
        ([{"result": "busted"}], [("refuse", "result_excluded", 0, 1)]),
        ([{"author": "bot@example.org"}], [("refuse", "author_excluded", 0, 1)]),
        ([{"pool": "mac-mini"}], [("refuse", "pool_excluded", 0, 1)]),
        ([{"step": "build it"}], [("refuse", "step_excluded", 0, 1)]),
        ([{"tier": 2}], [("refuse", "hidden", 0, 1)]),
        ([{"event": "workflow_dispatch"}], [("refuse", "event_excluded", 0, 1)]),
        ([{"event": "pull_request"}], [("trigger", "failure", 2, 1)]),
        ([{"message": "docs only, DONTBUILD"}], [("refuse", "dontbuild", 0, 1)]),
        ([{"message": "try: -b o --no-retry"}], [("refuse", "no_retry", 0, 1)]),
        ([{"project": "careful"}], [("refuse", "not_opted_in", 0, 1)]),
        ([{"project": "careful", "message": "triggerbot: --retry"}], [("trigger", "failure", 2, 1)]),
        (
            [{"message": "try: --rebuild-talos 5"}, {"message": "try: --rebuild-talos 5", "job": "linux-talos-1"}],
            [("refuse", "rebuild_requested", 0, 1), ("trigger", "requested", 5, 2)],
        ),
        ([{}, {"run_id": "101"}], [("trigger", "failure", 2, 1), ("refuse", "already_claimed", 0, 2)]),
        (
            [{}, {"run_id": "101", "job": "linux-gate", "needs": ["linux-mochitest-1"]}],
            [("trigger", "failure", 2, 1), ("refuse", "derived", 0, 2)],
        ),
        (
            [
                {"revision": OTHER, "failures": ["x.py:1: KeyError: 'a'"]},
                {"run_id": "101", "base": OTHER, "failures": ["x.py:1: KeyError: 'a'"]},
            ],
            [("trigger", "failure", 2, 1), ("refuse", "inherited", 0, 2)],
        ),
        (
            [
                {"revision": OTHER, "failures": ["x.py:1: KeyError: 'a'"]},
                {"run_id": "101", "base": OTHER, "failures": ["y.py:9: TypeError: no such thing"]},
            ],
            [("trigger", "failure", 2, 1), ("trigger", "failure", 2, 2)],
        ),
        (
            [
                {"run_id": "101", "job": "linux-deploy", "result": "skipped", "needs": ["linux-mochitest-1"]},
                {},
            ],
            [("refuse", "starts_excluded", 0, 2)],
        ),
        (
            [
                {"run_id": "1", "result": "success"},
                {"run_id": "2", "result": "success"},
                {"run_id": "3", "result": "failure"},
            ],
            [("refuse", "enough_runs", 0, 3)],
        ),
        ([{"state": "running", "result": None, "message": "try: --rebuild 3"}], [("trigger", "requested", 3, 1)]),
        (
            [{"state": "running", "result": None, "message": "try: --rebuild 3"}, {"message": "try: --rebuild 3"}],
            [("trigger", "requested", 3, 1), ("refuse", "rebuild_requested", 0, 2)],
        ),
        ([{"result": "success"}, {"result": "cancelled"}, {"state": "running", "result": None}], []),
    ],
)
def test_each_reason_is_reported(bench, lines, events, expected):
    """Every reason that a file of events can lead to comes out under its own name."""
    assert decisions(bench.run("replay", str(lines(*events)), "--json")) == expected


def test_the_budget_holds(bench, lines):
    """After the floor, a small push gets nothing more."""
    answer = bench.run(
        "replay", str(lines(*({"job": f"linux-{number}", "run_id": str(number)} for number in range(7)))), "--json"
    )
    assert [(one[0], one[1]) for one in decisions(answer)] == [("trigger", "failure")] * 5 + [
        ("refuse", "over_budget")
    ] * 2


def test_stdin_is_read(bench):
    """A dash reads stdin."""
    answer = bench.run("replay", "-", "--json", stdin=json.dumps(failed_run()).encode())
    assert decisions(answer) == [("trigger", "failure", 2, 1)]


def test_garbled_lines_are_reported_and_the_rest_goes_on(bench, tmp_path):
    """Each unreadable line is reported by its number; the exit code says that there were some."""
    path = tmp_path / "events.jsonl"
    long = json.dumps(failed_run(message="x" * 2_000_000))
    parts = [b"\xef\xbb\xbf", json.dumps(failed_run()).encode(), b"\n\n", b"\xff\xfe\n", b"{}\n", long.encode(), b"\n"]
    path.write_bytes(b"".join(parts) + json.dumps(failed_run(revision=OTHER)).encode())
    answer = bench.run("replay", str(path), "--json")
    assert answer.exit_code == 2
    assert decisions(answer) == [("trigger", "failure", 2, 1), ("trigger", "failure", 2, 6)]
    wrong = answer.stderr.splitlines()
    assert [line.split(": ")[0] for line in wrong] == [f"{path}:{number}" for number in (3, 4, 5)]
    assert "UTF-8" in wrong[0]
    assert "project" in wrong[1]
    assert "longer than" in wrong[2]


def test_people_see_a_line_each_and_a_summary(bench, lines):
    """Without --json there is a row for each decision and figures at the end."""
    events = [{}, {"run_id": "101"}, {"job": "ok", "result": "success", "time": NOW + 7200}]
    answer = bench.run("replay", str(lines(*events)))
    assert answer.exit_code == 0
    rows = [line.split() for line in answer.stdout.splitlines()]
    assert ["1", "trigger", "failure", "2", REVISION[:12], "linux-mochitest-1"] in rows
    assert ["2", "refuse", "already_claimed", REVISION[:12], "linux-mochitest-1"] in rows
    assert "3 events of 2 different jobs." in answer.stdout
    assert "2 retriggers of 1 job: 50.0 % of all different jobs." in answer.stdout
    assert "1.0 retriggers per hour over 2 h" in answer.stdout


def test_the_summary_counts_jobs(bench, lines):
    """A job that fails three times is one, as it is in `stats`; each decision has its row all the same."""
    events = [{"step": "build it", "run_id": run} for run in "123"]
    rows = [line.split() for line in bench.run("replay", str(lines(*events))).stdout.splitlines()]
    assert [row[:3] for row in rows if "step_excluded" in row] == [
        ["1", "refuse", "step_excluded"], ["2", "refuse", "step_excluded"], ["3", "refuse", "step_excluded"],
        ["refuse", "step_excluded", "1"],
    ]  # fmt: skip


def test_an_empty_file_is_no_mistake(bench, lines):
    """No events, no output."""
    answer = bench.run("replay", str(lines()))
    assert answer.exit_code == 0
    assert "0 events of 0 different jobs." in answer.stdout
    assert "time" not in answer.stdout
    assert bench.run("replay", str(lines()), "--json").stdout == ""


def test_a_missing_file_is_all_that_is_reported(bench, tmp_path):
    """Nothing else is printed, not even the head of a table."""
    answer = bench.run("replay", str(tmp_path / "nowhere.jsonl"))
    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert "cannot read" in answer.stderr


def test_hostile_names_stay_text(bench, lines):
    """Markup and control characters of a job name do nothing to a terminal."""
    answer = bench.run("replay", str(lines({"job": "[red]x[/] \x1b[2J\r\n\u202e:smile:"})))
    assert answer.exit_code == 0
    assert r"[red]x[/] \x1b[2J\r\n\u202e:smile:" in answer.stdout
    assert "\x1b" not in answer.stdout


def test_nothing_is_left_of_a_replay(bench, lines):
    """The store of the config is not touched, not even made."""
    bench.run("replay", str(lines({})))
    assert not (bench.directory / "state.db").exists()


def test_what_jobs_need_counts(bench, lines):
    """A gate follows from the job that it needs; a job that starts a deployment is refused once that is known."""
    gate = {"job": "gate", "run_id": "2", "needs": ["test"]}
    assert decisions(bench.run("replay", str(lines({"job": "test"}, gate)), "--json")) == [
        ("trigger", "failure", 2, 1),
        ("refuse", "derived", 0, 2),
    ]
    deploy = {"job": "deploy", "run_id": "3", "needs": ["test"], "result": "skipped"}
    assert decisions(bench.run("replay", str(lines(deploy, {"job": "test"})), "--json")) == [
        ("refuse", "starts_excluded", 0, 2),
    ]


WEIGHED = CONFIG.replace("  - projects: [try]\n", "  - projects: [try]\n    retries: {{evidence: 5%, max: 4}}\n")
LOGIN = {"failures": ["tests/test_login.py::test_refresh - AssertionError: assert 'expired' == 'valid'"]}
CART = {"failures": ["tests/test_cart.py::test_total_price - AssertionError: assert 90 == 81"]}


def test_one_job_goes_first_and_the_others_get_their_own_if_it_passes(bench, lines):
    """As the daemon decides: when the first one's further run has come."""
    bench.configure(WEIGHED)
    told = lines(
        LOGIN, {**LOGIN, "job": "linux-b", "run_id": "b"}, {**CART, "job": "linux-c", "run_id": "c"},
        {"run_id": "101", "result": "success"}, {**LOGIN, "job": "linux-d", "run_id": "d"},
    )  # fmt: skip

    assert decisions(bench.run("replay", str(told), "--json")) == [
        ("trigger", "failure", 1, 1), ("trigger", "failure", 1, 3), ("trigger", "failure", 1, 4),
        ("trigger", "failure", 1, 5),
    ]  # fmt: skip


def test_further_runs_are_weighed_as_the_daemon_does(bench, lines):
    """A wave, what came of it, the next one; and what the first one comes to holds for the others."""
    bench.configure(WEIGHED)
    told = lines(
        LOGIN, {**LOGIN, "job": "linux-b", "run_id": "b"}, {**LOGIN, "run_id": "101"}, {**LOGIN, "run_id": "102"}
    )

    assert decisions(bench.run("replay", str(told), "--json")) == [
        ("trigger", "failure", 1, 1), ("refuse", "already_claimed", 0, 3), ("trigger", "failure", 1, 3),
        ("refuse", "already_claimed", 0, 4), ("refuse", "same_cause", 0, 4),
    ]  # fmt: skip


def test_what_waits_at_the_end_of_the_file_is_left_alone(bench, lines):
    """Nobody ran the first one again; the line is that of the failure. So it is where hours pass without that."""
    bench.configure(WEIGHED)
    waits = [LOGIN, {**LOGIN, "job": "linux-b", "run_id": "b"}]
    later = {**CART, "job": "linux-c", "run_id": "c", "time": "2026-11-25T19:31:02Z"}

    alone = decisions(bench.run("replay", str(lines(*waits)), "--json"))
    followed = decisions(bench.run("replay", str(lines(*waits, later)), "--json"))

    assert alone == [("trigger", "failure", 1, 1), ("refuse", "same_cause", 0, 2)]
    assert followed == [*alone, ("trigger", "failure", 1, 3)]


def test_what_would_be_measured_is_told_at_the_end(bench, lines):
    """Of each push as it was at the end of the recording; what the rule leaves alone is not measured."""
    bench.configure(CONFIG.replace("projects: [try]", "projects: [try]\n    calibration: 50%"))
    jobs = [f"linux-{number}" for number in range(40)]
    events = [{"job": job, "result": "success", "run_id": job} for job in (*jobs, "linux-unstable-1")]
    answer = bench.run("replay", str(lines(*events)), "--json")

    found = decisions(answer)

    assert {one[:3] for one in found} == {("trigger", "calibration", 1)}
    assert len(found) == 5, "as many as the budget of a push allows"
    assert decisions(bench.run("replay", str(lines(*events)), "--json")) == found
