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


def test_a_copy_each_night_and_the_oldest_make_room(used):
    """Named after the store and the time; nothing else in the directory is touched, nor without --keep."""
    directory = used.directory / "copies"
    directory.mkdir()
    others = ["state.db", "state-20260101.db", "state-20260101T000000Z.txt", "other-20260101T000000Z.db"]
    ours = [f"state-202601{day:02}T000000Z.db" for day in (1, 2, 3)]
    for name in [*others, *ours]:
        (directory / name).write_text("")

    first = used.run("backup", str(directory), "--keep", "2")

    assert first.exit_code == 0
    assert "Deleted 2 older copies" in first.stdout
    left = {path.name for path in directory.iterdir()}
    [new] = left - {*others, ours[-1]}
    assert left == {*others, ours[-1], new}
    assert new.startswith("state-20")


def test_what_is_kept_needs_a_directory(used):
    """A single file has no older ones."""
    answer = used.run("backup", str(used.directory / "copy.db"), "--keep", "3")

    assert answer.exit_code == 2
    assert "is none" in answer.stderr
    assert not (used.directory / "copy.db").exists()


def test_nothing_is_deleted_for_a_copy_that_failed(bench):
    """The older copies are all there is then."""
    directory = bench.directory / "copies"
    directory.mkdir()
    (directory / "state-20260101T000000Z.db").write_text("")
    (directory / "state-20260102T000000Z.db").write_text("")

    assert bench.run("backup", str(directory), "--keep", "1").exit_code == 2
    assert len(list(directory.iterdir())) == 2
