"""The scenario of the simulated CI: its pushes, the results of their jobs, and the verdicts to expect."""

from dataclasses import dataclass

PROJECT = "try"
#: A branch of it whose rule goes by evidence instead of a number.
EVIDENCE = "autoland"
#: Results of a job's runs, in order; the last one repeats for all further runs.
GOOD = ("success",)
BROKEN = ("failure",)
FLAKY = ("failure", "success")
UNLUCKY = ("failure", "failure", "success")


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a push: the results of its runs, and the faults on the way."""

    name: str
    results: tuple[str, ...] = GOOD
    kind: str = "test"
    failure: str = ""
    #: No webhook reports its first run's end: the sweep has to find it.
    lost: bool = False
    #: Its end is reported three times.
    repeated: bool = False
    #: The CI accepts its first retrigger, but answers 500.
    answers_500: bool = False
    #: The verdict to expect; `None` to derive it from the results.
    verdict: str | None = None

    @property
    def expected(self) -> str:
        """The verdict to expect once the job has been retriggered."""
        if self.verdict is not None:
            return self.verdict
        if "success" not in self.results:
            return "failed"
        return "passed" if len(set(self.results)) == 1 else "intermittent"


@dataclass(frozen=True, slots=True)
class Push:
    """One push: when it arrives (as a share of the playing time), its author, and its jobs."""

    at: float
    revision: str
    author: str
    message: str
    jobs: tuple[Job, ...]
    branch: str = PROJECT


def _jobs(*platforms: str) -> tuple[Job, ...]:
    suites = ("mochitest-1", "mochitest-2", "reftest", "xpcshell")
    return tuple(Job(f"{platform}-{suite}") for platform in platforms for suite in suites)


PUSHES: tuple[Push, ...] = (
    Push(
        0.02,
        "a1f0c3d29b7e4410",
        "ada@example.org",
        "Bug 101: cache the style of a node",
        (
            Job("linux-opt-build", kind="build"),
            *_jobs("linux-opt"),
            Job(
                "windows-opt-mochitest-1", FLAKY, failure="test_focus.html: timed out waiting for focus", repeated=True
            ),
            Job("macosx-debug-reftest", UNLUCKY, failure="canvas-1.html: 3 pixels differ"),
            Job("linux-opt-fuzz-unstable", BROKEN, failure="crash in the new fuzzer", verdict="failed"),
        ),
    ),
    Push(
        0.12,
        "b72e5a90c4d81f36",
        "grace@example.org",
        "Bug 102: rewrite the parser of dates",
        (
            *_jobs("linux-opt", "windows-opt"),
            Job("linux-debug-xpcshell", BROKEN, failure="test_dates.js: 2026-02-30 was accepted"),
            Job("macosx-debug-mochitest-2", FLAKY, failure="test_audio.html: no device", answers_500=True),
            Job("android-debug-xpcshell", FLAKY, failure="test_sync.js: connection refused", lost=True),
        ),
    ),
    Push(
        0.24,
        "c05d9e8174ab23f1",
        "alan@example.org",
        "Bug 103: is the new timer stable?\n\ntry: -b do -p all -u timers --rebuild 3",
        (Job("linux-opt-timers"), Job("windows-opt-timers", FLAKY), Job("macosx-debug-timers")),
    ),
    Push(
        0.29,
        "f27a41c08e6b95d3",
        "frances@example.org",
        "Bug 106: inline small functions",
        (
            *(
                Job(f"{platform}-jit-1", BROKEN, failure="loop.js: TypeError: step is not a function")
                for platform in ("linux-opt", "windows-opt", "macosx-debug")
            ),
            Job("linux-debug-jit-2", FLAKY, failure="gc.js: out of memory"),
            Job("linux-opt-jit-2"),
        ),
        EVIDENCE,
    ),
    Push(
        0.34,
        "d9b318fe2760ca54",
        "edsger@example.org",
        "Bug 104: known to break the reftests\n\ntriggerbot: --no-retry",
        (*_jobs("linux-opt")[:2], Job("linux-debug-reftest", BROKEN, failure="svg-7.svg: all black")),
    ),
    Push(
        0.42,
        "e4c6702bd1f8953a",
        "barbara@example.org",
        "Bug 105: upgrade the network stack",
        tuple(
            Job(f"{platform}-{suite}", BROKEN, failure="TypeError: net.open is not a function")
            for platform in ("linux-opt", "windows-opt", "macosx-debug")
            for suite in ("mochitest-1", "mochitest-2", "xpcshell")
        ),
    ),
)
