"""`triggerbot silence` ends the reports of a job of a branch, until it passes or somebody wants them again."""

from tests.fakes.command_bench import NOW, Bench
from triggerbot.core.model import Branch

MAIN = Branch("ci", "careful", "main")


def failing(bench: Bench) -> None:
    """Let two jobs fail at two pushes of a branch whose rule retriggers nothing unless it is asked to."""
    for number, revision in enumerate(("a" * 40, "b" * 40)):
        bench.now = NOW + 60 * number
        bench.hear(
            *(
                bench.event(job, project="careful", branch="main", revision=revision, run_id=f"{job}{number}")
                for job in ("linux-1", "mac-1")
            )
        )


def test_until_it_passes_or_is_wanted_again(bench: Bench) -> None:
    """It is stored with the push since which it failed and with who wanted it; a pattern will do."""
    failing(bench)

    answer = bench.run("silence", "careful", "main", "linux-*")

    assert answer.exit_code == 0, answer.stderr
    assert answer.stdout == "linux-1 on main of careful (ci) is silenced until it passes.\n"
    store = bench.store()
    [(job, silence)] = store.branches.read(MAIN).silenced.items()
    store.close()
    assert (job, silence.since) == ("linux-1", "a" * 40)
    assert "@" in silence.by

    assert bench.json("silence", "careful", "main", "linux-1", "--end") == [
        {"system": "ci", "project": "careful", "branch": "main", "jobs": ["linux-1"]}
    ]
    store = bench.store()
    assert store.branches.read(MAIN).silenced == {}
    store.close()


def test_what_does_not_keep_failing(bench: Bench) -> None:
    """The message says where to look."""
    failing(bench)
    for arguments in (["linux-9"], ["mac-1", "--system", "other"], ["mac-1", "--end"]):
        answer = bench.run("silence", "careful", "main", *arguments)
        assert answer.exit_code == 2
        assert "`triggerbot branch careful main` lists those that do" in answer.stderr
