"""What the history of a project says about a job before its runs at a push are weighed; see `core.policy.evidence`."""

from triggerbot.core import identity
from triggerbot.core.model import Push
from triggerbot.core.policy.evidence import Background, Pool, breaks_at_first, fitted
from triggerbot.pipeline.history import Histories, ProjectHistory

#: How much what is assumed of lambda at first counts, in jobs that ran at a push.
_ASSUMED = 200.0


class Backgrounds:
    """Reads backgrounds from the store (a `BackgroundOf`). Thread-safe."""

    def __init__(self, histories: Histories) -> None:
        self._histories = histories
        #: The fit to all jobs of each project, with the history that it was made from.
        self._pools: dict[str, tuple[ProjectHistory, Pool]] = {}

    def __call__(self, push: Push, job: str, shapes: tuple[str, ...]) -> Background:
        """Return what is known of a job, by its key, and of a failure of it; raises `StoreUnavailable`."""
        project, name = self._histories.of(push.project), identity.base(job)
        pool, on_base = self._pool(project), push.branch == project.base
        known = project.known_on_base(name, shapes)
        broken = project.broken(base=on_base)
        assumed = breaks_at_first(pool, base=on_base)
        return Background(
            project.past(name, shapes if known else ()),
            pool,
            (broken.hits + _ASSUMED * assumed) / (broken.of + _ASSUMED),
            known_on_base=known is True,
            new_on_base=known is False,
        )

    def _pool(self, project: ProjectHistory) -> Pool:
        known, pool = self._pools.get(project.project, (None, None))
        if pool is None or known is not project:
            pool = fitted(project.jobs().values())
            # Replaced, not changed: another thread may be reading it.
            others = {name: one for name, one in self._pools.items() if name in self._histories}
            self._pools = {**others, project.project: (project, pool)}
        return pool
