"""The commands as real processes: exit codes, pipes, signals, terminals that lack characters."""

import json
import os
import signal
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.command_bench import CONFIG, REVISION, failed_run

PROGRAM = (sys.executable, "-m", "triggerbot")


def call(*arguments, **named):
    """Run the program and wait for it."""
    environ = os.environ | named.pop("env", {})
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, timeout=60, check=False, env=environ, **named)


def test_the_help_needs_no_command():
    """The help loads neither the config nor the store nor a client."""
    code = (
        "import sys\nbefore = set(sys.modules)\nfrom triggerbot.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'pydantic', 'httpx', 'sqlite3', 'uvicorn', 'structlog'} & (set(sys.modules) - before)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_status_exits_as_promised(bench):
    """Scripts go by the exit code."""
    bench.hear(bench.event("a", "success"), bench.event("a", "busted", revision="beef" * 10, run_id="2"))
    config = ("-c", str(bench.config))
    assert call("status", *config, "try", REVISION).returncode == 0
    assert call("status", *config, "try", "beef").returncode == 1
    done = call("status", *config, "try", "dead")
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
def test_the_config_is_found_by_the_environment(bench):
    """$TRIGGERBOT_CONFIG is as good as -c."""
    bench.hear(bench.event("a", "success"))
    assert call("status", "try", REVISION, env={"TRIGGERBOT_CONFIG": str(bench.config)}).returncode == 0


@pytest.mark.slow
def test_a_closed_pipe_ends_it_quietly(bench, tmp_path):
    """`triggerbot replay ... | head -1` says nothing on stderr and leaves nothing behind."""
    events = tmp_path / "events.jsonl"
    events.write_text(
        "".join(json.dumps(failed_run(job=f"j{number}", revision=f"{number:040x}")) + "\n" for number in range(2000))
    )
    for extra in ((), ("--json",)):
        process = subprocess.Popen(
            [*PROGRAM, "replay", "-c", str(bench.config), str(events), *extra],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"TMPDIR": str(tmp_path)},
        )
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=60) == 141
        assert process.stderr.read() == b""
        process.stderr.close()
    assert not list(tmp_path.glob("triggerbot-replay-*"))


@pytest.mark.slow
def test_ctrl_c_ends_it_quietly(bench):
    """An interrupt is no traceback."""
    process = subprocess.Popen(
        [*PROGRAM, "replay", "-c", str(bench.config), "-", "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell that starts the tests in the background makes all of them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - before any thread
    )
    process.stdin.write(json.dumps(failed_run()).encode() + b"\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["event"] == 1  # printed at once, though the stream goes on
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert process.stderr.read().strip() == b""
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()


@pytest.mark.slow
def test_a_terminal_without_unicode_shows_numbers(bench):
    """An old locale is no reason to fail."""
    bench.hear(bench.event("jöb-日本", "success"))
    done = call("status", "-c", str(bench.config), "try", REVISION, env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert rb"j\xf6b-\u65e5\u672c" in done.stdout


@pytest.mark.slow
def test_no_colour_goes_into_a_pipe(bench):
    """Escape sequences are for terminals."""
    bench.hear(bench.event())
    for command in ("explain", "status"):
        assert b"\x1b" not in call(command, "-c", str(bench.config), "try", REVISION).stdout


@pytest.mark.slow
@pytest.mark.parametrize("secret", ["CI_TOKEN_THAT_IS_NOT_SET"])
def test_run_refuses_what_cannot_work(bench, secret):
    """Missing secrets end it with their line before anything starts."""
    bench.config.write_text(
        "systems:\n  ci:\n    type: generic\n    url: http://127.0.0.1:9\n"
        f"    token: env:{secret}\nrules:\n  - projects: [try]\n"
    )
    done = call("run", "-c", str(bench.config))
    assert done.returncode == 2, done.stderr
    assert b"line 5" in done.stderr
    assert secret.encode() in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
def test_run_in_dry_run_decides_and_sends_nothing(bench):
    """The daemon, stopped as an operator would, has logged what it would do, and has done nothing."""
    with FakeCI() as ci:
        ci.run(REVISION, "linux-1", result="failure")
        text = CONFIG.replace('sweep: "off"', "sweep: 1s")
        bench.configure(text, urlsplit(ci.url).port or 0)
        bench.store().close()
        command = [*PROGRAM, "run", "-c", str(bench.config), "--dry-run"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until = time.monotonic() + 30
        while bench.json("stats")["per_hour"]["would_have_sent"]["total"] < 2 and time.monotonic() < until:
            time.sleep(0.1)
        process.terminate()
        out, log = process.communicate(timeout=30)
        assert ci.jobs_asked() == {}
    assert process.returncode == 0, log
    assert out == b""
    assert b"Traceback" not in log
    assert "Dry run: nothing is sent." in bench.run("explain", "try", REVISION).stdout


@pytest.mark.slow
def test_a_second_daemon_on_one_store_is_refused(bench):
    """Two of them would interfere with each other."""
    store = bench.store(daemon=True)
    done = call("run", "-c", str(bench.config))
    store.close()
    assert done.returncode == 2
    assert b"another triggerbot works on the store" in done.stderr
