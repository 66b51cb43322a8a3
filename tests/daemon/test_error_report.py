"""The JSON with the first cause, whatever it is: in torch elastic's layout, and never longer than Kubernetes reads."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerbot.core.errors import CIDenied, StoreAway, StoreUnavailable, UsageError
from triggerbot.daemon.workers import crash_class, error_file, error_report
from triggerbot.store import Crash, CrashClass


@given(error=st.text(max_size=3000), trace=st.text(max_size=9000), at=st.floats(0, 4e9))
def test_it_is_whole_and_short(error: str, trace: str, at: float) -> None:
    """The end of the call stack is kept: the innermost frame is there."""
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        file = Path(directory) / "error.json"
        patch.setenv(error_file.VARIABLE, str(file))
        error_report.write(Crash(at, "host/1", "exit code 3", error, trace))

        assert len(file.read_bytes()) <= 4096
        message = json.loads(file.read_bytes())["message"]
        assert (message["errorCode"], message["extraInfo"]["timestamp"]) == (3, str(int(at)))
        assert trace.endswith(message["extraInfo"]["py_callstack"])
        assert (error or "exit code 3").startswith(message["message"])


@pytest.mark.parametrize(("ended", "code"), [("SIGSEGV", -11), ("exit code 2", 2), ("machine restarted", 1)])
def test_the_code_is_that_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: str, code: int
) -> None:
    """Below zero for a signal."""
    file = tmp_path / "error.json"
    monkeypatch.setenv(error_file.VARIABLE, str(file))
    error_report.write(Crash(1.0, "host/1", ended))
    assert json.loads(file.read_text())["message"]["errorCode"] == code


def test_without_the_variable_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor with an empty one, as Kubernetes' templates make them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(error_file.VARIABLE, "")
    error_report.write(Crash(1.0, "host/1", "SIGKILL"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (StoreAway("x"), CrashClass.AWAY),
        (StoreUnavailable("x"), CrashClass.AWAY),
        (UsageError("x"), CrashClass.CONFIGURATION),
        (CIDenied("x"), CrashClass.CONFIGURATION),
        (ModuleNotFoundError("x"), CrashClass.CONFIGURATION),
        (MemoryError(), CrashClass.KILLED),
        (ZeroDivisionError(), CrashClass.BUG),
    ],
)
def test_an_exception_says_whose_turn_it_is(error: Exception, kind: CrashClass) -> None:
    """A store that is away is no wrong config, though it ends the start."""
    assert crash_class.of_exception(error) is kind


def test_so_does_how_it_ended_if_nothing_was_written() -> None:
    """A signal from outside is none of the process's own."""
    assert [crash_class.of_code(code) for code in (-9, -15, -11, -6, 7)] == [
        CrashClass.KILLED, CrashClass.KILLED, CrashClass.BUG, CrashClass.BUG, CrashClass.UNKNOWN
    ]  # fmt: skip


@pytest.mark.parametrize("library", ["pydantic", "structlog", "msgspec"])
def test_a_library_that_is_missing_is_told(tmp_path: Path, library: str) -> None:
    """Of the daemon's own; the file needs none."""
    (tmp_path / f"{library}.py").write_text("raise ImportError('libfoo.so.3: cannot open shared object file')")
    file = tmp_path / "error.json"
    path = os.pathsep.join([str(tmp_path), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, error_file.VARIABLE: str(file)}
    command = [sys.executable, "-m", "triggerbot"]

    assert subprocess.run([*command, "run"], env=environment, capture_output=True, check=False).returncode == 1

    said = json.loads(file.read_text())["message"]
    assert said["message"] == "ImportError: libfoo.so.3: cannot open shared object file"
    assert f"{library}.py" in said["extraInfo"]["py_callstack"]
    file.unlink()
    subprocess.run([*command, "stats"], env=environment, capture_output=True, check=False)
    assert not file.exists()
