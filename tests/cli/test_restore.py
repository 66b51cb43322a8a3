"""`triggerbot restore`: in the place that the config names, or another one; in words and as JSON."""

import json

from tests.fakes.command_bench import REVISION


def test_back_to_a_copy(bench):
    """What came since is gone from the store, and in the file that is named."""
    bench.hear(bench.event())
    copy = bench.directory / "copy.db"
    bench.run("backup", str(copy))
    bench.hear(bench.event(revision="b" * 40))

    answer = bench.run("restore", str(copy))

    assert answer.exit_code == 0
    assert "Restored" in answer.stdout
    assert "replaced-" in answer.stdout
    assert "brought to version" not in answer.stdout
    assert [push["revision"] for push in bench.json("pushes")["pushes"]] == [REVISION]


def test_as_json_and_to_another_place(used):
    """Without a config."""
    copy, store = used.directory / "copy.db", used.directory / "other.db"
    used.run("backup", str(copy))
    used.config.unlink()

    answer = used.run("restore", str(copy), "--to", str(store), "--json")

    found = json.loads(answer.stdout)
    assert store.is_file()
    assert (found["store"], found["from"], found["kept"], found["made_known"]) == (str(store), str(copy), None, True)
    assert found["made"].endswith("Z")
    assert found["version"] >= 7


def test_what_is_wrong_ends_in_a_sentence(used):
    """And with exit code 2."""
    answer = used.run("restore", str(used.directory / "none.db"))

    assert answer.exit_code == 2
    assert answer.stderr.startswith("error: there is no file")


def test_a_redis_is_put_back_by_itself(bench):
    """The message names what to do."""
    bench.config.write_text("store: redis://127.0.0.1:9/0\nrules: [{projects: [try]}]\n")

    answer = bench.run("restore", "copy.db")

    assert answer.exit_code == 2
    assert "dump.rdb" in answer.stderr
