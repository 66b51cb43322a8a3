"""`triggerbot branch` says what keeps failing on a branch, and its exit code is for scripts."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.command_bench import Bench

LINE = "test_a.py::test_one FAILED"
SHARD = "linux / test (default, {}, 2, linux.2xlarge)"


def hud(path: Path, **jobs: str) -> str:
    """Write a recording of PyTorch's HUD from letters, newest first."""
    written = {
        "F": {"conclusion": "failure", "failureCaptures": [LINE]}, "S": {"conclusion": "success"}, "?": {},
        "P": {"conclusion": "pending"}, "K": {"conclusion": "skipped"},
    }  # fmt: skip
    commits = zip(*jobs.values(), strict=True)
    grid = [
        {"sha": f"sha{number}", "jobs": [written[letter] for letter in letters]}
        for number, letters in enumerate(commits)
    ]
    file = path / "hud.json"
    file.write_text(json.dumps({"jobNames": list(jobs), "shaGrid": grid}))
    return str(file)


@pytest.fixture
def run(bench: Bench) -> Any:
    """Return a function that runs the command on a recording, without a config."""

    def run(file: str, *more: str) -> Any:
        bench.config.unlink(missing_ok=True)
        from click.testing import CliRunner

        from triggerbot.cli import main

        return CliRunner().invoke(main, ["branch", "--format", "hud", file, *more], prog_name="triggerbot")

    return run


def test_a_recording_says_since_when_a_job_fails(run: Any, tmp_path: Path) -> None:
    """With what is not certain about it; the keys are those that readers of PyTorch's alerts know."""
    file = hud(tmp_path, a="?FPKF", b="SSSSS", c="FSFSS")

    answer = run(file, "--branch", "main", "--json")

    assert answer.exit_code == 1
    assert json.loads(answer.stdout) == {
        "branch": "main",
        "failing": [
            {
                "AlertType": "Recurrently Failing Job", "AlertObject": "a", "OncallTeams": [],
                "OncallIndividuals": [], "Flags": [], "sha": "sha4", "branch": "main", "newest": "sha1", "pushes": 2,
                "same_failure": True, "running_between": 1, "did_not_run": ["sha3"],
            }
        ],
        "newest_only": ["c"],
        "isolated": [{"job": "c", "sha": "sha2"}],
    }  # fmt: skip
    said = run(file, "--branch", "main").stdout.splitlines()[0]
    assert said.startswith("a: failing since sha4; not seen to pass before; at 2 pushes; the same failure each time; 1")
    assert said.endswith(f"; 1 push in between not yet known; 1 push in between did not run it: {LINE}")


def test_jobs_can_be_chosen_and_shards_merged(run: Any, tmp_path: Path) -> None:
    """A pattern chooses by the name of a job or of one of its shards."""
    file = hud(tmp_path, a="FFS", **{SHARD.format(1): "FSS", SHARD.format(2): "SFS"})

    apart, merged, chosen = (
        json.loads(run(file, "--branch", "main", "--json", *more).stdout)
        for more in ((), ("--merge-shards",), ("--merge-shards", "--jobs", "*test (default*"))
    )

    job = "linux / test (default, linux.2xlarge)"
    assert [one["AlertObject"] for one in apart["failing"]] == ["a"]
    assert [(one["AlertObject"], one["sha"]) for one in merged["failing"]] == [("a", "sha1"), (job, "sha1")]
    assert [one["AlertObject"] for one in chosen["failing"]] == [job]


def test_nothing_that_keeps_failing_exits_with_0(run: Any, tmp_path: Path) -> None:
    """Nor is a failure at the newest push alone a reason to wake anybody."""
    answer = run(hud(tmp_path, a="FSS", b="SFS"), "--branch", "main")

    assert (answer.exit_code, answer.stdout.splitlines()) == (
        0,
        [
            "At the newest push only: a", f"Isolated: b at sha1: {LINE}",
            "No job keeps failing, 1 job fails at the newest push only, 1 isolated failure, 3 pushes looked at.",
        ],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "arguments", "why"),
    [
        ("{}", ["--branch", "b"], "{file}: expected {{jobNames: [...], shaGrid: [...]}}: Object missing"),
        (None, ["--branch", "b"], "cannot read {file}: No such file"),
        ("{}", [], "add --branch B"),
        ("{}", ["one", "--branch", "other"], "two branches are named, one and other"),
    ],
)  # fmt: skip
def test_wrong_use_and_bad_files(run: Any, tmp_path: Path, text: str | None, arguments: list[str], why: str) -> None:
    """Exit code 2, and one sentence that names the place."""
    file = tmp_path / "hud.json"
    if text is not None:
        file.write_text(text)

    answer = run(str(file), *arguments)

    assert (answer.exit_code, answer.stdout) == (2, "")
    assert why.format(file=file) in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def revision(number: int) -> str:
    """Return the revision of the push with this number, 0 being the oldest."""
    return f"{number:07x}" + "0" * 33


def hear(bench: Bench, order: list[int], **jobs: str) -> None:
    """Let jobs end at the pushes of `main` as letters say, oldest first; the pushes are heard of in this order."""
    for number in order:
        for job, letters in jobs.items():
            if letters[number] != "?":
                result = {"F": "failure", "S": "success", "C": "cancelled", "K": "skipped"}[letters[number]]
                time = bench.now + 60.0 * number
                bench.hear(
                    bench.event(
                        job, result, revision=revision(number), branch="main", run_id=f"{job}-{number}", time=time,
                        started=time - 30, failures=(LINE,) if result == "failure" else (), author="bot@example.org",
                    ),
                    dispatch=False,
                )  # fmt: skip


def test_the_store_tells_the_same_in_push_order(bench: Bench) -> None:
    """In whatever order the pushes were heard of; `main` is the base branch, which need not be named."""
    hear(bench, [3, 0, 2, 1], a="SFCF", b="SSSF", c="SFSS")

    answer = bench.run("branch", "try", "--json")

    assert (answer.exit_code, json.loads(answer.stdout)) == (
        1,
        {
            "branch": "main",
            "failing": [
                {
                    "AlertType": "Recurrently Failing Job", "AlertObject": "a", "OncallTeams": [],
                    "OncallIndividuals": [], "Flags": [], "sha": revision(1), "branch": "main",
                    "newest": revision(3), "pushes": 2, "same_failure": True, "running_between": 0,
                    "did_not_run": [],
                }
            ],
            "newest_only": ["b"],
            "isolated": [{"job": "c", "sha": revision(1)}],
        },
    )  # fmt: skip
    assert bench.json("branch", "TRY", "main", "--jobs", "b") == {
        "branch": "main", "failing": [], "newest_only": ["b"], "isolated": [],
    }  # fmt: skip


def test_the_rule_says_what_is_looked_at(bench: Bench) -> None:
    """From how many pushes on, which jobs, and whether shards are one job."""
    hear(bench, [0, 1, 2], **{"mochitest-1": "SFS", "mochitest-2": "SSF", "a": "SFF", "a-unstable": "SFF"})
    assert [one["AlertObject"] for one in bench.json("branch", "try", "main")["failing"]] == ["a", "a-unstable"]
    text = bench.config.read_text()

    bench.config.write_text(text.replace(
        "  - projects: [try]\n",
        "  - projects: [try]\n    alerts: {merge_shards: true, exclude_jobs: ['*-unstable'], pushes: 2}\n",
    ))  # fmt: skip
    assert [one["AlertObject"] for one in bench.json("branch", "try", "main")["failing"]] == ["a", "mochitest"]
    bench.config.write_text(text.replace("  - projects: [try]\n", "  - projects: [try]\n    alerts: {pushes: 3}\n"))
    answer = bench.run("branch", "try", "main", "--json")
    assert (answer.exit_code, json.loads(answer.stdout)["failing"]) == (0, [])


@pytest.mark.usefixtures("real_now")
def test_a_failure_whose_retriggers_are_awaited_is_not_yet_known(bench: Bench) -> None:
    """Neither a streak nor its end."""
    hear(bench, [0, 1], a="FF")
    bench.hear(bench.event("a", revision=revision(2), branch="main", run_id="a-2", time=bench.now + 120.0))
    assert bench.json("branch", "try", "main")["failing"][0]["newest"] == revision(1)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["try", "other"], "no push of the branch 'other' of try is known; known are: main"),
        (["careful"], "the base branch of careful is not known: name the branch; no push of the project is known"),
        (["elsewhere", "main"], "no rule of"),
    ],
)
def test_what_is_not_known(bench: Bench, arguments: list[str], why: str) -> None:
    """Exit code 2, and what would be right."""
    hear(bench, [0], a="S")
    answer = bench.run("branch", *arguments)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert why in answer.stderr
