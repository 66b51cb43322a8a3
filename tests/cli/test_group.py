"""The commands as a whole: found, described, and never ending in a traceback for a user's mistake."""

import pytest
from click.testing import CliRunner

from triggerbot import __version__
from triggerbot.cli import main

COMMANDS = [
    "demo",
    "check",
    "replay",
    "run",
    "status",
    "explain",
    "stats",
    "retrigger",
    "pause",
    "resume",
    "dead-letters",
]


def call(*arguments):
    """Run the group without a config of ours."""
    return CliRunner().invoke(main, list(arguments), prog_name="triggerbot")


def test_help_shows_a_newcomer_what_it_is_and_where_to_begin():
    """The first screen names the demo and every command."""
    answer = call("--help")
    assert answer.exit_code == 0
    assert "triggerbot demo" in answer.stdout
    for command in COMMANDS:
        assert f"  {command} " in answer.stdout


def test_no_arguments_show_the_help():
    """The bare name shows the same screen, and counts as wrong use."""
    answer = call()
    assert answer.exit_code == 2
    assert "triggerbot demo" in answer.output


def test_version_is_printed():
    """The version is that of the package."""
    assert __version__ in call("--version").stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_says_what_it_is_for(command):
    """Every listed command can be loaded and explains itself."""
    answer = call(command, "-h")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith(f"Usage: triggerbot {command}")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["dead-leters"], "There is no command 'dead-leters'. Perhaps dead-letters? See: triggerbot --help"),
        (["xyzzy"], "There is no command 'xyzzy'. See"),
        (["replay"], "Missing argument 'EVENTS.jsonl'. See: triggerbot replay --help"),
        (["status", "try", "c0ffee", "--colour"], "No such option"),
        (["retrigger", "try", "c0ffee", "job", "-n", "0"], "0 is not in the range"),
        (["pause", "-c", "/does/not/exist.yml"], "/does/not/exist.yml"),
        (["replay", "-c", "/does/not/exist.yml", "-"], "there is no such file"),
    ],
)
def test_wrong_use_is_one_message_and_exit_2(arguments, part):
    """A user's mistake is reported on stderr, with the correct form."""
    answer = call(*arguments)
    assert answer.exit_code == 2
    assert answer.stderr.startswith("error: ")
    assert part in answer.stderr
    assert "Traceback" not in answer.output
    assert answer.stdout == ""


def test_every_mistake_of_a_config_is_reported_with_its_line(bench):
    """Commands that need the config list all of its mistakes."""
    bench.config.write_text("store: 5\nrules:\n  - projects: [try]\n    retries: many\n")
    answer = bench.run("stats")
    assert answer.exit_code == 2
    assert [line.startswith("error: ") for line in answer.stderr.splitlines()] == [True, True]
    assert "line 1" in answer.stderr
    assert "line 4" in answer.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["status", "try", "c0ffee"],
        ["explain", "try", "c0ffee"],
        ["stats"],
        ["pause"],
        ["resume"],
        ["retrigger", "try", "c0ffee", "job"],
        ["dead-letters", "list"],
    ],
)
def test_no_command_makes_a_store(bench, arguments):
    """In the wrong directory, or before the first run, nothing is written that nobody would read."""
    answer = bench.run(*arguments)
    assert answer.exit_code == 2
    assert "no store" in answer.stderr
    assert not (bench.directory / "state.db").exists()


def test_a_relative_store_is_reported_with_the_directory(bench):
    """The usual reason why there is no store is another working directory."""
    bench.configure("store: sqlite:no-such-dir/state.db\nrules:\n  - projects: [try]\n")
    assert "working directory" in bench.run("stats").stderr


def test_a_store_that_is_no_database_is_reported(bench):
    """A file that is no database is a message, not a traceback."""
    (bench.directory / "state.db").write_bytes(b"this is no database at all" * 100)
    answer = bench.run("stats")
    assert answer.exit_code == 2
    assert "cannot open the store" in answer.stderr
