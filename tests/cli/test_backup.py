"""`triggerbot backup`: a usable copy, and a clear error where none can be made."""

from tests.fakes.command_bench import REVISION


def test_a_copy_can_be_asked(bench):
    """The copy holds what the store holds."""
    bench.hear(bench.event())
    copy = bench.directory / "copy.db"

    answer = bench.run("backup", str(copy))

    assert answer.exit_code == 0
    assert f"to {copy}" in answer.stdout.replace("\n", "")
    bench.configure(bench.config.read_text().replace("state.db", "copy.db").replace("{", "{{").replace("}", "}}"))
    assert [push["revision"] for push in bench.json("status", "try", REVISION)["pushes"]] == [REVISION]


def test_nothing_is_written_over(used):
    """A second backup needs another name."""
    copy = used.directory / "copy.db"
    used.run("backup", str(copy))

    again = used.run("backup", str(copy))

    assert again.exit_code == 2
    assert "is there already" in again.stderr


def test_a_redis_copies_itself(bench):
    """The message names what to use."""
    bench.config.write_text("store: redis://127.0.0.1:9/0\nrules: [{projects: [try]}]\n")

    answer = bench.run("backup", "copy.db")

    assert answer.exit_code == 2
    assert "BGSAVE" in answer.stderr


def test_without_a_store(bench):
    """Nothing is copied, and nothing is made."""
    answer = bench.run("backup", str(bench.directory / "copy.db"))

    assert answer.exit_code == 2
    assert "there is no store" in answer.stderr
    assert sorted(path.name for path in bench.directory.iterdir()) == ["triggerbot.yml"]
