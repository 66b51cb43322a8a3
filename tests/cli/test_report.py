"""`triggerbot report`: what newly fails, of folders of reports and of pushes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.fakes.command_bench import CONFIG, Bench
from triggerbot.cli import main
from triggerbot.core.model import Event
from triggerbot.core.run_tests import FailingTest, RunTests

BERT, CLI = "single-gpu_run_models_bert_test_reports", "multi-gpu_run_cli_test_reports"
TODAY = {
    f"{BERT}/stats.txt": "=== 2 failed, 5 passed, 1 xfailed in 71.60s (0:01:11) ===",
    f"{BERT}/summary_short.txt": """\
FAILED t/test_bert.py::test_a[x y] - AssertionError: 1 != 2
FAILED t/test_bert.py::test_b - KeyError: 'b'
""",
    f"{CLI}/stats.txt": "3 passed in 1.0s",
    f"{CLI}/summary_short.txt": "",
}
YESTERDAY = {
    f"{BERT}/stats.txt": "1 failed, 6 passed in 70.0s",
    f"{BERT}/summary_short.txt": "FAILED t/test_bert.py::test_b - KeyError: 'b'",
    f"{CLI}/stats.txt": "1 error, 2 passed in 1.0s",
    f"{CLI}/summary_short.txt": "ERROR t/test_cli.py::test_c - RuntimeError: no gpu",
}
REVISIONS = [f"{number}" * 40 for number in range(1, 6)]


def filled(folder: Path, texts: dict[str, str]) -> Path:
    """Write files."""
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """The reports of today and of yesterday."""
    return [str(filled(tmp_path / "today", TODAY)), str(filled(tmp_path / "yesterday", YESTERDAY))]


def report(*arguments: Any) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_what_newly_fails_in_a_folder(folders: list[str]) -> None:
    """By test; the folder is the job, its beginning the machine."""
    today, yesterday = folders
    answer = report("--format", "pytest", today, "--against", yesterday, "--json")
    assert (answer.exit_code, answer.stderr) == (0, "")
    told = json.loads(answer.stdout)
    names = {key: [one["test"] for one in told[key]] for key in told["totals"]}
    assert names == {
        "new": ["t/test_bert.py::test_a[x y]"], "known": ["t/test_bert.py::test_b"], "unknown": [],
        "no_longer_failing": ["t/test_cli.py::test_c"], "vanished": [], "newly_skipped": [],
    }  # fmt: skip
    assert told["new"][0] == {
        "job": BERT, "test": "t/test_bert.py::test_a[x y]", "line": "AssertionError: 1 != 2", "group": "other",
        "pool": "single-gpu", "url": None, "against": yesterday,
    }  # fmt: skip
    assert told["tests"] == {"passed": 8, "failed": 2, "errors": 0, "skipped": 0, "seconds": 72.6}
    assert [(one["pool"], one["jobs"], one["failed_jobs"], one["new"]) for one in told["pools"]] == [
        ("multi-gpu", 1, 0, 0),
        ("single-gpu", 1, 1, 1),
    ]


def test_files_are_written(folders: list[str], tmp_path: Path) -> None:
    """For whoever reads them every morning."""
    today, yesterday = folders
    out = tmp_path / "deep" / "out"
    answer = report("--format", "pytest", today, "--against", yesterday, "--out", out)
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert {one.name for one in out.iterdir()} == {
        "results.json", "new_failures.txt", "new_failures.json", "failures_report.txt", "changed_failures_report.txt",
        "job_links.json",
    }  # fmt: skip
    assert (out / "new_failures.txt").read_text() == f"{BERT}: t/test_bert.py::test_a[x y]: AssertionError: 1 != 2\n"
    assert [one["test"] for one in json.loads((out / "new_failures.json").read_text())] == [
        "t/test_bert.py::test_a[x y]"
    ]
    assert json.loads((out / "results.json").read_text())["totals"]["new"] == 1
    assert json.loads((out / "job_links.json").read_text()) == {}
    failures, changed = (out / f"{name}failures_report.txt" for name in ("", "changed_"))
    assert ("::test_b" in failures.read_text(), "::test_b" in changed.read_text()) == (True, False)
    assert "test_c" in changed.read_text()


def test_for_people_and_as_markdown(folders: list[str]) -> None:
    """The same, in words."""
    today, yesterday = folders
    text = report("--format", "pytest", today, "--against", yesterday).stdout
    assert text.startswith(f"{today}: 1 newly failing, 1 failing as before, 1 no longer failing\n")
    assert "Newly failing:\n  " in text
    assert "single-gpu" in text
    marked = report("--format", "pytest", today, "--against", yesterday, "--markdown").stdout
    assert f"- `{BERT}`: `t/test_bert.py::test_a[x y]`: `AssertionError: 1 != 2`" in marked
    assert "| `single-gpu` | 1 | 1 | 5 | 2 | 0 | 0 | 1 | 0 |" in marked


def test_junit_knows_what_vanished_and_what_is_skipped(tmp_path: Path) -> None:
    """For it lists every test."""

    def suite(*cases: str) -> str:
        return f"<testsuite>{''.join(cases)}</testsuite>"

    ok, skip, bad = (
        f'<testcase name="{{}}">{body}</testcase>'.format for body in ("", "<skipped/>", '<failure message="E"/>')
    )
    here = filled(tmp_path / "a", {"unit.xml": suite(ok("one"), skip("two"), bad("three")), "b/r.xml": suite(ok("x"))})
    there = filled(
        tmp_path / "b", {"unit.xml": suite(ok("one"), ok("two"), ok("three"), bad("four")), "c/r.xml": suite(ok("x"))}
    )
    told = json.loads(report("--format", "junit", here, "--against", there, "--json").stdout)
    found = {key: [(one["job"], one["test"]) for one in told[key]] for key, number in told["totals"].items() if number}
    assert found == {
        "new": [("unit", "three")], "vanished": [("c", None), ("unit", "four")], "newly_skipped": [("unit", "two")],
    }  # fmt: skip


def test_what_is_not_understood_is_told_and_the_rest_is_read(folders: list[str]) -> None:
    """With exit code 2."""
    today, yesterday = folders
    (Path(today) / CLI / "stats.txt").write_text("killed")
    answer = report("--format", "pytest", today, "--against", yesterday, "--json")
    assert answer.exit_code == 2
    assert answer.stderr.startswith(f"{today}/{CLI}/stats.txt:1: expected a summary of pytest")
    assert json.loads(answer.stdout)["totals"]["new"] == 1


def test_without_another_folder_nothing_is_new(folders: list[str]) -> None:
    """It is not known."""
    answer = report("--format", "pytest", folders[0])
    assert answer.stdout.startswith(
        f"{folders[0]}: 2 failing, and not known whether before; there is nothing earlier to compare it with\n"
    )


def test_without_an_earlier_report_nothing_is_new(folders: list[str], tmp_path: Path) -> None:
    """Where yesterday's could not be fetched, say, not all that fails broke today."""
    (tmp_path / "gone").mkdir()
    answer = report("--format", "pytest", folders[0], "--against", tmp_path / "gone")
    assert (answer.exit_code, answer.stdout.partition(", and not")[0]) == (2, f"{folders[0]}: 2 failing")
    assert answer.stderr == f"no report of pytest was found in {tmp_path / 'gone'}: there is nothing to compare with\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["try"], "give PROJECT and REVISION"),
        (["--format", "pytest", "/does/not/exist"], "/does/not/exist is no folder"),
        (["--format", "pytest", "."], "no report of pytest was found in ."),
        (["--format", "junit", ".", "--against", "/none"], "/none is no folder"),
        (["--format", "trx", "."], "'trx' is not one of"),
        (["--format", "junit", ".", "abcdef1"], "with --format there is one DIR"),
        (["--format", "junit", ".", "--json", "--markdown"], "choose one of"),
    ],
)
def test_wrong_use_is_told(arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line."""
    monkeypatch.chdir(tmp_path)
    answer = report(*arguments)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert says in answer.stderr


def run(bench: Bench, number: int, job: str, failing: str | None, result: str = "", **more: Any) -> Event:
    """Make the event of a run at the push of this number: the tests that failed in it, or `None`: not known."""
    tests = None
    if failing is not None:
        tests = RunTests(5, len(failing), failing=tuple(FailingTest(f"t.py::{one}", "E: 1") for one in failing))
    return bench.event(
        job, result or ("failure" if failing else "success"), revision=REVISIONS[number], branch="main",
        run_id=f"{job}-{number}", time=bench.now + 100 * number, tests=tests,
        url=f"https://ci.example/{job}/{number}", **more,
    )  # fmt: skip


def hear(bench: Bench, *runs: tuple[int, str, str | None]) -> None:
    """Hear of runs, without retriggering any: what failed has its verdict."""
    bench.configure(CONFIG.replace("dry_run: false", "dry_run: true"))
    bench.hear(*(run(bench, *one, pool="t-linux") for one in runs))


def of_push(bench: Bench, *arguments: str) -> dict[str, Any]:
    """Report on a push as JSON."""
    answer = bench.run("report", "try", *arguments, "--json")
    assert (answer.exit_code, answer.stderr) == (0, ""), answer.output
    told: dict[str, Any] = json.loads(answer.stdout)
    return told


def changes(told: dict[str, Any]) -> dict[str, list[tuple[str, str | None]]]:
    """Return job and test of each change."""
    return {key: [(one["job"], one["test"]) for one in told[key]] for key, number in told["totals"].items() if number}


def test_a_push_is_held_against_the_last_push_at_which_each_job_ended(bench: Bench) -> None:
    """Whatever order the pushes are heard of in."""
    hear(
        bench, (3, "linux-a", "xy"), (3, "linux-b", "p"), (3, "linux-talos-c", None), (1, "linux-b", ""),
        (2, "linux-a", "yz"), (0, "linux-b", "p"), (4, "linux-a", ""), (1, "linux-a", "x"),
    )  # fmt: skip
    bench.hear(run(bench, 2, "linux-talos-c", None, "failure"))
    told = of_push(bench, REVISIONS[3])
    assert changes(told) == {
        "new": [("linux-a", "t.py::x"), ("linux-b", "t.py::p")],
        "known": [("linux-a", "t.py::y")],
        "no_longer_failing": [("linux-a", "t.py::z"), ("linux-talos-c", None)],
    }
    against = {one["job"]: one["against"] for one in told["jobs"]}
    assert against == {"linux-a": REVISIONS[2], "linux-b": REVISIONS[1], "linux-talos-c": REVISIONS[2]}
    assert (told["revision"], told["branch"], told["new"][0]["pool"]) == (REVISIONS[3], "main", "t-linux")
    assert {one["group"]: one["jobs"] for one in told["groups"]} == {"talos": 1, "other": 2}
    assert told["new"][0]["url"] == "https://ci.example/linux-a/3"


def test_a_push_may_be_held_against_another(bench: Bench, tmp_path: Path) -> None:
    """And only that; the links are written, too."""
    hear(bench, *((number, "linux-a", failing) for number, failing in enumerate(["x", "", "x"])))
    assert changes(of_push(bench, REVISIONS[2])) == {"new": [("linux-a", "t.py::x")]}
    told = of_push(bench, REVISIONS[2], "--against", REVISIONS[0][:9])
    assert changes(told) == {"known": [("linux-a", "t.py::x")]}
    assert told["against"] == REVISIONS[0]
    assert changes(of_push(bench, REVISIONS[0])) == {"unknown": [("linux-a", "t.py::x")]}
    assert bench.run("report", "try", REVISIONS[2], "--out", str(tmp_path / "out")).exit_code == 0
    assert json.loads((tmp_path / "out" / "job_links.json").read_text()) == {"linux-a": "https://ci.example/linux-a/2"}
    answer = bench.run("report", "try", REVISIONS[2], "--against", "beef")
    assert (answer.exit_code, answer.stdout) == (2, "")


def test_a_job_that_is_there_has_not_vanished(bench: Bench) -> None:
    """Though it was cancelled; one that is not there has."""
    hear(bench, (0, "linux-a", ""), (0, "linux-b", ""), (0, "linux-c", ""), (1, "linux-a", ""))
    bench.hear(run(bench, 1, "linux-b", None, "cancelled"))
    assert changes(of_push(bench, REVISIONS[1])) == {"vanished": [("linux-c", None)]}


def test_what_events_do_not_tell_is_said(bench: Bench) -> None:
    """They list only what fails: a test that does not may be skipped or gone. Where no tests are known, all is told."""
    hear(bench, (0, "linux-a", "x"), (1, "linux-a", ""), (0, "linux-talos-c", None), (2, "linux-talos-c", None))
    text = bench.run("report", "try", REVISIONS[1]).stdout
    assert "1 no longer failing" in text
    assert text.splitlines()[-1].startswith("Events list only the tests that fail: ")
    assert "Events list only" in bench.run("report", "try", REVISIONS[1], "--markdown").stdout
    assert "Events list only" not in bench.run("report", "try", REVISIONS[2]).stdout


def test_what_passed_on_a_retrigger_is_none_of_the_push(bench: Bench) -> None:
    """And of several failed runs only what failed in all."""
    hear(bench, (0, "linux-a", ""), (0, "linux-b", ""), (1, "linux-a", "x"), (1, "linux-b", "xy"))
    second = replace(run(bench, 1, "linux-b", "yz"), run_id="again")
    bench.hear(replace(run(bench, 1, "linux-a", ""), run_id="again"), second)
    assert changes(of_push(bench, REVISIONS[1])) == {"new": [("linux-b", "t.py::y")]}


def test_what_is_to_be_retriggered_is_told_as_it_stands(bench: Bench) -> None:
    """With the word that more is to come."""
    bench.hear(run(bench, 0, "linux-a", ""), run(bench, 1, "linux-a", "x"), dispatch=False)
    told = of_push(bench, REVISIONS[1])
    assert (changes(told), told["final"]) == ({"new": [("linux-a", "t.py::x")]}, False)
    assert bench.run("report", "try", REVISIONS[1]).stdout.startswith(
        f"{REVISIONS[1][:12]}: 1 newly failing; more is to"
    )
