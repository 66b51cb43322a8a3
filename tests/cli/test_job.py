"""`triggerbot job` tells how a job behaves over time."""

from tests.fakes.command_bench import NOW, Bench

LINE = "test_a.py::test_one FAILED"


def heard(bench: Bench) -> None:
    """Let a job be intermittent at one push, and pass at the one before."""
    for number, ends in enumerate((("failure", "success"), ("success",))):
        for again, result in enumerate(ends):
            bench.hear(
                bench.event(
                    "linux/1", result, revision=f"{number}" * 40, run_id=f"{number}-{again}",
                    time=NOW - 60 * number + again, started=NOW - 60 * number - 9 + again,
                    failures=(LINE,) if result == "failure" else (),
                )
            )  # fmt: skip


def test_a_row_of_letters_and_what_they_come_to(bench: Bench) -> None:
    """Newest first; with its failures."""
    heard(bench)

    text = bench.run("job", "try", "linux/1").stdout

    assert "IS  (known at 2 of the newest 2 pushes)" in text
    assert "When it passes, it takes 9 s (median)" in text
    assert LINE in text
    assert "at 1 push, at 1 of them another run passed" in text


def test_json_is_what_the_api_answers(bench: Bench) -> None:
    """With the same keys."""
    heard(bench)
    answer = bench.json("job", "try", "linux/1")
    assert [(one["letter"], one["is"]) for one in answer["pushes"]] == [("I", "intermittent"), ("S", "passed")]
    assert answer["failures"][0]["line"] == LINE


def test_what_is_not_known_says_what_is(bench: Bench) -> None:
    """The names that are alike, or the projects that are watched."""
    heard(bench)
    answer = bench.run("job", "try", "linux/2")
    assert answer.exit_code == 2
    assert "no job 'linux/2' of try is known" in answer.stderr
    assert "linux/1" in answer.stderr
    assert "no rule of" in bench.run("job", "other", "linux/1").stderr
