"""Logs in systemd's journal."""

import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest
import structlog

from triggerbot import logs


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Restore logging afterwards."""
    last = logging.lastResort
    yield
    logging.lastResort = last
    structlog.reset_defaults()


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[TextIO]:
    """Provide a stream like the one that the journal gives to a service."""
    with (tmp_path / "stream").open("w+") as opened:
        yield opened


def written(stream: TextIO) -> list[str]:
    """Log at each level and read what was written."""
    logs.configure(stream=stream, level=logging.DEBUG, secrets=["a-canary-secret"])
    log = structlog.get_logger()
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(log, level)("something", note="a-canary-secret\nand a line")
    stream.seek(0)
    return stream.read().splitlines()


def test_the_journal_gets_priorities_and_no_times(stream: TextIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal has its own time on each line; each entry stays one line, with secrets masked."""
    status = os.fstat(stream.fileno())
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")

    lines = written(stream)

    assert [line[:3] for line in lines] == ["<7>", "<6>", "<4>", "<3>", "<2>"]
    assert json.loads(lines[0][3:]) == {"event": "something", "level": "debug", "note": "***\nand a line"}


@pytest.mark.parametrize("journal", [None, "", "1:2", "nonsense"])
def test_another_stream_is_written_to_as_ever(
    stream: TextIO, monkeypatch: pytest.MonkeyPatch, journal: str | None
) -> None:
    """Child processes of a service inherit the variable, though their streams may differ."""
    if journal is None:
        monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    else:
        monkeypatch.setenv("JOURNAL_STREAM", journal)

    assert all("timestamp" in json.loads(line) for line in written(stream))


def test_an_outage_of_hours_does_not_fill_the_log(stream: TextIO) -> None:
    """Each thread would log each second that the store is unreachable: a minute's lines become one with a count."""
    now = [1000.0]
    logs.configure(stream=stream, clock=lambda: now[0])
    log = structlog.get_logger("test")
    for _ in range(180):
        for _ in range(10):
            log.error("store.unavailable", error="gone")
        log.info("something")
        now[0] += 1.0

    stream.seek(0)
    entries = [json.loads(line) for line in stream.read().splitlines()]

    assert [one.get("repeated") for one in entries if one["event"] == "store.unavailable"] == [None, 599, 599]
    assert sum(one["event"] == "something" for one in entries) == 180


def test_what_one_system_repeats_hides_nothing_of_another(stream: TextIO) -> None:
    """Strangers' attempts on one system do not hide the first refusal of another, which means a wrong secret."""
    logs.configure(stream=stream, clock=lambda: 1000.0)
    for system in ("ci", "ci", "gh", "ci", "gh"):
        structlog.get_logger("test").warning("hook.refused", system=system)

    stream.seek(0)
    assert [json.loads(line)["system"] for line in stream.read().splitlines()] == ["ci", "gh"]


def test_a_command_logs_errors_alone() -> None:
    """It imports logging with the first line; library logs are treated alike."""
    code = (
        "import logging, sys; from triggerbot import logs\n"
        "logs.configure_errors()\n"
        "log = logs.get_logger('x')\n"
        "assert 'structlog' not in sys.modules\n"
        "log.warning('no'); log.error('first', system='ci'); logging.getLogger('lib').error('second')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    lines = [json.loads(line) for line in ended.stderr.splitlines()]

    assert ended.stdout == ""
    assert [(line["event"], line.get("message")) for line in lines] == [("first", None), ("library", "second")]


def test_a_stream_that_was_closed_stops_nothing(stream: TextIO) -> None:
    """As with a full disk: the line is lost, and what is logged goes on."""
    logs.configure(stream=stream)
    stream.close()

    logs.get_logger("test").info("nobody reads this")


#: Names and answers of others: a title set, the screen cleared, a cursor moved up, C1 controls, text turned around.
HOSTILE = ["\x1b]0;owned\x07", "\x1b[2J\x1b[1;1H", "\x1b[1Afine", "\x9b31mred", "a\rb", "\u202egnp.exe", "\x08\x08\x7f"]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_terminal_gets_no_commands_of_others(hostile: str) -> None:
    """Neither in a value, nor in a name, in lists, errors and tracebacks; line ends of tracebacks stay."""
    terminal = Terminal()
    logs.configure(stream=terminal)
    log = structlog.get_logger()
    log.warning("something", job=hostile, names=[hostile], by={hostile: hostile}, error=RuntimeError(hostile))
    log.warning(hostile, **{hostile: 1})
    try:
        raise RuntimeError(hostile)
    except RuntimeError:
        log.exception("failed")
    logging.getLogger("a.library").warning("heard %s", hostile)

    styles = re.compile(r"\x1b\[[0-9;]*m")  # those of the log itself
    shown = styles.sub("", terminal.getvalue())
    assert all(line.isprintable() for line in shown.split("\n"))
    assert shown.count(hostile.encode("unicode_escape").decode()) >= 6
    assert "Traceback" in shown
