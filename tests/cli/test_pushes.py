"""`triggerbot pushes` lists what was heard of, with what its runs prove."""

from tests.fakes.command_bench import NOW, REVISION, Bench

OTHER = "beef" + "0" * 36


def test_the_latest_first_with_why(bench: Bench) -> None:
    """Each push is a line for the eye and one for the reason; a push that nobody judged yet is judged now."""
    bench.hear(bench.event("linux-1", "success", author="a@example.org"))
    bench.now = NOW + 60
    bench.hear(bench.event("linux-2", "success", revision=OTHER, run_id="7"))

    lines = bench.run("pushes").stdout.splitlines()

    assert "try beef00000000 on try (ci)" in lines[0]
    assert "good" in lines[0]
    assert lines[1].strip() == "1 passed"
    assert "by a@example.org" in lines[2]


def test_filters_and_json(bench: Bench) -> None:
    """As the API lists them."""
    bench.hear(bench.event("linux-1", "success"), bench.event("linux-2", "success", revision=OTHER, branch="beta"))

    assert [push["revision"] for push in bench.json("pushes", "--branch", "beta")["pushes"]] == [OTHER]
    assert {push["revision"] for push in bench.json("pushes")["pushes"]} == {OTHER, REVISION}
    assert len(bench.json("pushes", "--limit", "1")["pushes"]) == 1
    assert "No push fits" in bench.run("pushes", "--project", "nothing").stdout
    assert bench.run("pushes", "--health", "fine").exit_code == 2
