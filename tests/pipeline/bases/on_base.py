"""A push that is based on another, and a job that fails at both."""

from collections.abc import Callable

from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event, failure, push
from triggerbot.core.errors import CIUnavailable
from triggerbot.core.model import Push
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.verdict import JobVerdict
from triggerbot.reports.judge import Judge
from triggerbot.systems import LookBack

BASE, HERE = push("ba5e" * 10)._replace(branch="main"), push("c0ffee" + "1" * 34)
EARLIER = push("0dd" + "2" * 37)._replace(branch="main")
LOGIN, REFUND = ("test_login.py:7: AssertionError: no session",), ("test_refund.py:3: KeyError: 'amount'",)
RULE = Rule(Globs(["try"]))

MakeWorld = Callable[..., World]


class OnlyMain(MemoryCI):
    """A CI that counts the looks at each push."""

    def __init__(self) -> None:
        super().__init__()
        self.looked: list[Push] = []
        self.down: Push | None = None

    def look_back(self, push: Push, *known: object) -> LookBack:
        self.looked.append(push)
        if push == self.down:
            raise CIUnavailable("down")
        return super().look_back(push, *known)  # type: ignore[arg-type]


def fail(world: World, ci: MemoryCI, where: Push, lines: tuple[str, ...] = LOGIN, run_id: str = "") -> None:
    """Let the job fail at a push, and hear of it."""
    failed = failure("job", run_id or f"{where.revision[:4]}-1", push=where, failures=lines, time=world.clock.now)
    ci.put(failed)
    world.hear(failed)


def passes(world: World, ci: MemoryCI, where: Push, run_id: str = "") -> None:
    """Let the job pass at a push, and hear of it."""
    passed = event("job", run_id or f"{where.revision[:4]}-g", push=where, result="success", time=world.clock.now)
    ci.put(passed)
    world.hear(passed)


def settle_base(world: World, ci: MemoryCI, lines: tuple[str, ...] = LOGIN) -> None:
    """Let the job fail at the base, every time."""
    fail(world, ci, BASE, lines)
    world.drain()
    for number in (2, 3):
        fail(world, ci, BASE, lines, f"ba5e-{number}")


def judged(world: World, where: Push = HERE) -> JobVerdict:
    """Return the verdict of the job at a push."""
    record = world.store.pushes.record(where)
    assert record is not None
    (found,) = Judge(world.store, world.clock, rules=world.rules, fresh=0.0).judge(record).jobs
    return found


def asked(ci: MemoryCI, where: Push = HERE) -> int:
    """Count the requests for a push."""
    return sum(one.push == where for one in ci.asked)
