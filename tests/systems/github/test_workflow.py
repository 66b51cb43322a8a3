"""What a workflow file says: its jobs, how GitHub lists them, what they need, and which runs cancel older ones."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerbot.core.errors import NotUnderstood
from triggerbot.systems.github import expressions
from triggerbot.systems.github.expressions import Special
from triggerbot.systems.github.workflow import FILE_MAX, Workflow, parse

FILE = """
name: CI
on: {push: {}, pull_request: {}}
jobs:
  lint: {runs-on: x, timeout-minutes: 10, continue-on-error: true}
  test:
    name: Test ${{ matrix.python }} on ${{ matrix.os.name }}
    continue-on-error: ${{ matrix.experimental }}
    strategy: {matrix: {python: ["3.11", "3.12"], os: [{name: linux}, {name: mac}], include: [{python: "3.13"}]}}
  shard: {strategy: {matrix: {shard: [1, 2]}}}
  odd: {name: "odd (${{ inputs.what }})"}
  gate: {needs: [test, lint], if: always()}
  call: {needs: gate, uses: ./.github/workflows/package.yml}
  other: {uses: octo/app/.github/workflows/x.yml@main}
  deploy: {needs: [call], environment: {name: production, url: "https://x"}, timeout-minutes: "${{ inputs.minutes }}"}
  preview: {environment: preview}
"""


def test_what_jobs_say() -> None:
    """In any of the ways that a workflow file may be written."""
    jobs = parse(FILE.encode()).jobs
    assert [job.id for job in jobs.values() if job.environment] == ["deploy", "preview"]
    assert {job.id: job.needs for job in jobs.values() if job.needs} == {
        "gate": ("test", "lint"), "call": ("gate",), "deploy": ("call",),
    }  # fmt: skip
    assert [(job.id, job.longest) for job in jobs.values() if job.longest is not None] == [("lint", 600.0)]
    assert [job.id for job in jobs.values() if job.may_fail] == ["lint"]
    assert {job.id: job.uses for job in jobs.values() if job.uses} == {"call": ".github/workflows/package.yml"}


@pytest.mark.parametrize(
    ("job", "name", "fits"),
    [
        ("lint", "lint", True), ("lint", "lint (1)", False), ("lint", "Lint", False),
        ("test", "Test 3.11 on linux", True), ("test", "Test 3.13 on mac", True),
        ("test", "Test 3.11 on nothing said in the file", True), ("test", "Test on", False),
        ("test", "Test ${{ matrix.python }} on ${{ matrix.os.name }}", True),
        ("shard", "shard (1)", True), ("shard", "shard", True), ("shard", "shard 1", False),
        ("odd", "odd (anything)", True), ("odd", "odd (", False),
        ("deploy", "deploy", True),
    ],
)  # fmt: skip
def test_how_jobs_are_listed(job: str, name: str, fits: bool) -> None:
    """By name or id, with the values of a matrix; what an expression comes to is not always known."""
    assert (parse(FILE.encode()).jobs[job].titles.fit(name) is not None) is fits


def test_a_name_in_full_fits_best() -> None:
    """Better than one of which only parts are known."""
    jobs = parse(
        b'jobs: {a: {name: "${{ inputs.x }}"}, b: {name: "test (1)"}, c: {name: test, strategy: {matrix: {n: [1]}}}}'
    ).jobs
    fits = {job.id: job.titles.fit("test (1)") or 0 for job in jobs.values()}
    assert fits["b"] > fits["c"] > fits["a"] == 0


REF = "${{ github.ref }}"
GROUP = "${{ github.workflow }}-${{ github.head_ref || github.run_id }}"


@pytest.mark.parametrize(
    ("concurrency", "push", "pull"),
    [
        ("{group: ci, cancel-in-progress: true}", True, True),
        ("{group: ci, cancel-in-progress: false}", False, False),
        ("{group: ci}", False, False),
        ("ci", False, False),
        (f'{{group: "{GROUP}", cancel-in-progress: true}}', False, True),
        (f'{{group: "{REF}", cancel-in-progress: "${{{{ github.event_name == \'pull_request\' }}}}"}}', False, True),
        ('{group: "${{ github.ref }}", cancel-in-progress: "${{ github.ref != \'refs/heads/main\' }}"}', False, True),
        ('{group: "${{ github.ref }}", cancel-in-progress: "${{ !contains(github.ref, \'release/\') }}"}', True, True),
        ('{group: "ci-${{ github.event.pull_request.number || github.sha }}", cancel-in-progress: true}', False, True),
        ('{group: "${{ github.run_id }}", cancel-in-progress: true}', False, False),
        ('{group: "${{ inputs.group }}", cancel-in-progress: true}', None, None),
        ('{group: ci, cancel-in-progress: "${{ inputs.cancel }}"}', None, None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("of_job", [False, True])
def test_whether_newer_runs_cancel_older_ones(
    concurrency: str, push: bool | None, pull: bool | None, of_job: bool
) -> None:
    """By the concurrency of the workflow, or of a job: for a push to main, and for a pull request."""
    job = f"{{concurrency: {concurrency}}}" if of_job else "{}"
    whole = "" if of_job else f"concurrency: {concurrency}"
    workflow = parse(f"{whole}\njobs:\n  a: {job}\n".encode())
    assert (workflow.cancels_in_progress("push", "main"), workflow.cancels_in_progress("pull_request", "fix")) == (
        push, pull,
    )  # fmt: skip


def test_without_concurrency_nothing_is_cancelled() -> None:
    """That is certain."""
    assert parse(b"jobs: {a: {}}").cancels_in_progress("push", "main") is False


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"), ("a ${{ 'b' }} c", "a b c"), ("${{ true && 'x' || 'y' }}", "x"),
        ("${{ github.event_name == 'PUSH' }}", True), ("${{ (1 == 1.0) != false }}", True),
        ("${{ !startsWith(github.ref, 'refs/tags/') && endsWith('abc', 'C') }}", True),
        ("${{ 'it''s' }}", "it's"), ("${{ github.sha }}", Special.UNIQUE), ("x-${{ github.sha }}", Special.UNIQUE),
        ("${{ hashFiles('**/x') }}", Special.UNKNOWN), ("${{ 1 + 1 }}", Special.UNKNOWN), ("${{ ( }}", Special.UNKNOWN),
        ("${{ }}", Special.UNKNOWN), ("${{ fromJSON('[]')[0] }}", Special.UNKNOWN),
        ("${{ format('{0}', github.sha) }}", Special.UNIQUE), ("${{ " + "(" * 5000, "${{ " + "(" * 5000),
        ("${{ " + "(" * 900 + "1" + ")" * 900 + " }}", Special.UNKNOWN), ("${{ " + "!" * 900 + "1 }}", Special.UNKNOWN),
    ],
)  # fmt: skip
def test_expressions(text: str, value: object) -> None:
    """As far as what they come to is known; nothing that strangers write is executed or goes too deep."""
    assert expressions.evaluate(text, expressions.of_run("push", "main")) == value


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no jobs"), (b"on: push", "no jobs"), (b"jobs: []", "no jobs"), (b"- a", "no jobs"), (b"\xff", "no YAML"),
        (b"jobs: {a: {", "no YAML"), (b"jobs: &a {a: *a}", ""), (b"a: *b", "no YAML"), (b"jobs: {[a]: {}}", "no YAML"),
        (b"? {a: b}\n: c\njobs: {a: {}}", "no YAML"),
        (b"x: " + b"[" * 500 + b"]" * 500, "nested too deeply"), (b"x: " + b"[" * 200_000, "nested too deeply"),
        (b"#" * (FILE_MAX + 1), "larger than 512 kB"), (b"x: [" + b"1," * 150_000 + b"]", "too many values"),
        (b"jobs:\n" + b"".join(b"  j%d: {}\n" % number for number in range(501)), "more than 500 jobs"),
        (b"jobs: {a: !!python/object/apply:os.system ['false']}", ""),
        (b"a: 1\n---\njobs: {a: {}}", "no YAML"),
    ],
)  # fmt: skip
def test_what_strangers_write_is_refused_in_words(content: bytes, why: str) -> None:
    """Or read as what little it says, soon."""
    began = time.monotonic()
    try:
        found: Workflow | str = parse(content)
    except NotUnderstood as error:
        found = str(error)
    assert (why in found) if isinstance(found, str) else not why
    assert time.monotonic() - began < 5


def test_aliases_are_not_multiplied() -> None:
    """A bomb of ten levels of ten is small; nobody walks through it."""
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    bomb = "\n".join([*lines, "jobs:", "  a: {needs: *a29, strategy: {matrix: {x: *a29}}, name: 'a ${{ matrix.x }}'}"])
    began = time.monotonic()
    assert parse(bomb.encode()).jobs["a"].needs == ()
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("value", ["true", "1", "[1]", "{a: b}", "[[a], {b: c}, '']", "null", "~", "''", "2026-99-99"])
@pytest.mark.parametrize(
    "key", ["name", "needs", "strategy", "environment", "uses", "timeout-minutes", "continue-on-error", "concurrency"]
)
def test_odd_values_are_no_error(key: str, value: str) -> None:
    """Whatever stands where something else belongs."""
    assert parse(f"jobs: {{a: {{{key}: {value}}}, 1: {{}}, b: 7}}".encode()).jobs
    assert parse(f"{key}: {value}\njobs: {{a: {{strategy: {{matrix: {value}}}}}}}".encode()).jobs


@given(st.text(alphabet="${} ()'!|&=,.abmatrix0", max_size=60), st.text(max_size=30))
def test_any_name_is_read(title: str, name: str) -> None:
    """And compared with any other."""
    quoted = "'" + title.replace("'", "''") + "'"
    for job in parse(f"jobs: {{a: {{name: {quoted}, strategy: {{matrix: {{a: [1, 2]}}}}}}}}".encode()).jobs.values():
        job.titles.fit(name)
        assert job.titles.fit(title) is not None or not re.sub(r"\s", "", title)


def test_many_expressions_in_a_name_take_no_time() -> None:
    """Matching is linear, whatever the name."""
    job = parse(("jobs: {a: {name: '" + "${{ x }}a" * 3000 + "'}}").encode()).jobs["a"]
    began = time.monotonic()
    assert job.titles.fit("a" * 2000 + "b") is None
    assert time.monotonic() - began < 1
