"""What evidence and common causes saved, in words."""

from collections.abc import Iterator, Mapping

from triggerbot.core.formatting import plural


def sentences(saved: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """Yield a sentence for each way in which retriggers were saved; `saved`: as in the statistics."""
    evidence, same = saved["evidence"], saved["same_cause"]
    if evidence["jobs"]:
        yield (
            f"By evidence {plural(evidence['jobs'], 'job')} got {plural(evidence['asked'], 'retrigger')} of at most "
            f"{evidence['most']}: {evidence['most'] - evidence['asked']} saved."
        )
    if same["jobs"]:
        yield (
            f"{plural(same['jobs'], 'job')} failed as another one did (same_cause): about "
            f"{plural(same['retriggers'], 'retrigger')} saved, as many as those got."
        )
