"""Many hostile webhooks against the real application: no crash, no 5xx, nothing stored of what is not signed."""

import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from tests.service.hostile import forged_webhooks as forging
from tests.service.hostile.forged_webhooks import Hook
from tests.service.hostile.target import Target

#: The statuses that may answer forged webhooks, and well-signed nonsense.
REFUSALS = frozenset({400, 401, 404, 413})
ANSWERS = frozenset({202, 400})
#: Webhooks that are sent at the same time, so that they share commits as real ones do.
_TOGETHER = 32


@dataclass
class Findings:
    """The findings of a run."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    #: Faults, with the webhook that caused them; the first few.
    wrong: list[tuple[str, Hook]] = field(default_factory=list)
    #: Rows that were stored though nothing was well signed.
    stored: dict[str, int] = field(default_factory=dict)
    #: Well-signed webhooks on which triggerbot itself failed.
    buried: float = 0
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether no fault was found."""
        return not (self.wrong or self.stored or self.buried)

    def lines(self) -> list[str]:
        """Return the findings as the lines of a table."""
        rows = [f"{kind:<30} {status}  {count:>9}" for (kind, status), count in sorted(self.statuses.items())]
        total = sum(self.statuses.values())
        rows.append(f"{total} webhooks in {self.seconds:.0f} s; stored of the forged: {self.stored or 'nothing'}; ")
        rows.append(f"dead letters of the well signed: {self.buried:.0f}; wrong: {len(self.wrong)}")
        return rows + [f"WRONG: {what}: {hook}" for what, hook in self.wrong[:5]]


def fuzz(runs: int, seed: int, *, show: bool = False) -> Findings:
    """Send `runs` webhooks: four in five forged, the others well signed, each kind to its own store."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    findings = Findings()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        for make, allowed, share in ((forging.forged, REFUSALS, 0.8), (forging.nonsense, ANSWERS, 0.2)):
            place = Path(name) / make.__name__
            place.mkdir()
            target = Target(place)
            try:
                asyncio.run(_send(target, make, allowed, round(runs * share), seed, findings, show=show))
                if make is forging.forged:
                    findings.stored = target.stored()
                    asyncio.run(_controls(target, findings))
                else:
                    findings.buried = len(target.store.letters.read())
            finally:
                target.close()
    findings.seconds = time.monotonic() - began
    return findings


async def _send(
    target: Target,
    make: Callable[[random.Random], Hook],
    allowed: frozenset[int],
    runs: int,
    seed: int,
    findings: Findings,
    *,
    show: bool,
) -> None:
    dice = random.Random(seed)
    for begin in range(0, runs, _TOGETHER):
        hooks = [make(dice) for _ in range(min(_TOGETHER, runs - begin))]
        answers = await asyncio.gather(*(_try(target, hook) for hook in hooks))
        for hook, answer in zip(hooks, answers, strict=True):
            status = answer if isinstance(answer, int) else 0
            findings.statuses[hook.kind, status] += 1
            if status not in allowed:
                findings.wrong.append((str(answer), hook))
        if show and begin // _TOGETHER % 1000 == 0:
            print(f"{make.__name__}: {begin} of {runs}", file=sys.stderr, flush=True)


async def _try(target: Target, hook: Hook) -> int | str:
    try:
        return await target.post(hook.path, hook.headers, hook.body)
    except Exception as error:  # noqa: BLE001 - any exception is a finding
        return f"{type(error).__name__}: {error}"


async def _controls(target: Target, findings: Findings) -> None:
    """Check that the webhooks would have been accepted unforged: else the run proves nothing."""
    dice = random.Random(0)
    for hook in (forging.good(dice) for _ in range(50)):
        status = await _try(target, hook)
        if status != 202:
            findings.wrong.append((f"a good one was refused: {status}", hook))
    if not target.stored().get("runs"):
        findings.wrong.append(("nothing of the good ones was stored", forging.good(dice)))
