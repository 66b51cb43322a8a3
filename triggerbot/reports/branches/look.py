"""A look at one branch at one CI, for its reports: what keeps failing there, by the rule that covers it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from triggerbot.core.branch.grid import Grid
from triggerbot.core.model import Branch, Push
from triggerbot.core.policy import rules
from triggerbot.core.policy.rules import Rule
from triggerbot.reports.branches import Branches
from triggerbot.reports.judge import Judge
from triggerbot.store import Store


@dataclass(frozen=True, slots=True)
class Looked:
    """A branch as its pushes show it now."""

    grid: Grid
    #: More jobs than that which begin to fail at one push are one message.
    many: int
    #: Its pushes' authors, by revision, as far as they are known.
    authors: Mapping[str, str] = field(default_factory=dict)
    #: When that changes by itself, if no more events come.
    until: float | None = None


#: Looks at the pushes of a branch; `None` where no rule says anything of it. Raises `StoreUnavailable`.
Look = Callable[[Branch], Looked | None]


def looking(store: Store, judge: Judge, covering: Sequence[Rule], systems: Sequence[str]) -> Look:
    """Return what looks at branches by the rules that cover them; `systems`: the names of the CIs."""
    at = {name: Branches(store, judge, covering, [name]) for name in systems}

    def look(branch: Branch) -> Looked | None:
        rule = rules.rule_for(covering, Push(*branch, revision=""))
        if rule is None or branch.system not in at:
            return None
        found = at[branch.system].look(branch.project, branch.name)
        if found is None:
            return None
        authors = {column.revision: column.first.author for column in found.columns}
        known = {revision: author for revision, author in authors.items() if author}
        return Looked(found.grid, rule.alerts.many, known)

    return look
