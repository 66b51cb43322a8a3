"""Precision and recall of the comparison of failures on labelled pairs: `python -m tests.core.verdict.measure`."""

import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tests.core.verdict.labelled import Pair, pairs
from triggerbot.core.verdict.fingerprint import same, shapes


@dataclass
class Score:
    """How pairs were judged."""

    right: int = 0
    missed: int = 0
    wrong: int = 0
    apart: int = 0

    @property
    def precision(self) -> float:
        """The share of the pairs called the same that are."""
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        """The share of the pairs that are the same and called so."""
        return self.right / max(1, self.right + self.missed)


def judged(pair: Pair) -> bool:
    """Return whether a pair is taken for the same failure."""
    return same(shapes(pair.one), shapes(pair.other))


def score(given: Iterable[Pair]) -> Score:
    """Judge pairs and count."""
    total = Score()
    for pair in given:
        match pair.same, judged(pair):
            case True, True:
                total.right += 1
            case True, False:
                total.missed += 1
            case False, True:
                total.wrong += 1
            case _:
                total.apart += 1
    return total


def main() -> None:
    """Print a table by kind; `aside`: of the pairs put aside; `wrong`: and those that are judged wrongly."""
    given = [pair for pair in pairs() if pair.aside is ("aside" in sys.argv)]
    groups: dict[tuple[str, bool], list[Pair]] = defaultdict(list)
    for pair in given:
        groups[pair.kind, pair.minimal].append(pair)
        groups["", pair.minimal].append(pair)
    for (kind, minimal), some in sorted(groups.items()):
        counted = score(some)
        figures = f"precision {counted.precision:6.1%}  recall {counted.recall:6.1%}"
        nature = "minimal" if minimal else "natural"
        print(f"{kind or 'ALL':12} {nature} {len(some):4}  {figures}  wrong {counted.wrong}  missed {counted.missed}")
    if "wrong" in sys.argv:
        for pair in given:
            if judged(pair) is not pair.same:
                print(pair.id, "MISSED" if pair.same else "WRONG", shapes(pair.one), shapes(pair.other), sep="\n    ")


if __name__ == "__main__":
    main()
