"""`triggerbot actions`: who did what by command, newest first."""

from tests.cli.test_silence import failing


def test_who_did_what(bench, real_now):
    """Each command that changes something is in it, with who gave it; what changed nothing is not."""
    failing(bench)
    bench.run("pause", "--note", "tree\x1b[31m closed")
    bench.run("pause", "--note", "again")
    bench.run("resume")
    bench.run("resume")
    bench.run("silence", "careful", "main", "*-1")
    bench.run("silence", "careful", "main", "mac-1", "--end")
    bench.run("retrigger", "careful", "aaaaaaa", "linux-1", "-n", "2")
    bench.run("retrigger", "careful", "aaaaaaa", "none")

    found = bench.json("actions")["actions"]

    assert [one["action"] for one in found] == ["retrigger", "hear", "silence", "resume", "pause"]
    assert {one["via"] for one in found} == {"command"}
    assert all("@" in one["by"] and one["at"].endswith("Z") for one in found)
    assert (found[0]["what"], found[0]["count"], found[0]["revision"]) == ("linux-1", 2, "a" * 40)
    assert (found[2]["what"], found[2]["jobs"], found[2]["branch"], found[2]["revision"]) == ("*-1", 2, "main", None)
    said = bench.run("actions", "--limit", "2").stdout
    assert said.count("\n") == 2
    assert "ended the silence of mac-1 on careful main (by command)" in said
    assert "\x1b[31m" not in bench.run("actions").stdout


def test_nobody_did_anything(used):
    """One sentence."""
    assert used.run("actions").stdout == "Nobody did anything, as far back as is remembered.\n"
