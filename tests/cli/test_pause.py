"""`triggerbot pause` and `resume`: the switch that stops everything."""

from tests.fakes.command_bench import REVISION


def test_a_pause_stops_sending_and_resume_goes_on(bench, real_now):
    """Nothing is sent while paused; afterwards the held requests are."""
    bench.store().close()
    assert bench.run("pause", "--note", "tree closed").exit_code == 0
    bench.hear(bench.event())
    assert bench.json("stats")["per_hour"]["sent"]["total"] == 0
    answer = bench.run("resume")
    assert answer.exit_code == 0
    assert "tree closed" in answer.stdout
    assert "1 claim waited" in answer.stdout
    bench.hear()
    assert bench.json("stats")["per_hour"]["sent"]["total"] == 2


def test_both_may_be_said_twice(used):
    """The second call changes nothing and says so: the first person stays on record."""
    used.run("pause", "--note", "first")
    again = used.run("pause", "--note", "second")
    assert again.exit_code == 0
    assert "Already paused by" in again.stdout
    assert "first" in again.stdout
    assert used.run("resume").exit_code == 0
    assert "Not paused" in used.run("resume").stdout


def test_a_pause_says_who_and_when(used):
    """Others on the same store can see whom to ask."""
    used.run("pause")
    paused = used.json("stats")["paused"]
    assert "@" in paused["by"]
    assert paused["at"].endswith("Z")


def test_a_hostile_note_stays_text(used):
    """A note is untrusted text."""
    used.run("pause", "--note", "\x1b[2J[red]")
    assert r"\x1b[2J[red]" in used.run("pause").stdout


def test_a_request_by_hand_says_that_it_waits(bench, real_now):
    """A retrigger during a pause says that it waits."""
    bench.hear(bench.event())
    bench.run("pause")
    answer = bench.run("retrigger", "try", REVISION, "linux-mochitest-1")
    assert answer.exit_code == 0
    assert "it is sent after `triggerbot resume`" in answer.stdout
