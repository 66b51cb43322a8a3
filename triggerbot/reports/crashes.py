"""Crashes in sentences: what began the latest incident, and whose turn it is."""

from collections.abc import Sequence

from triggerbot.core.formatting import duration
from triggerbot.store import Crash, CrashClass

#: What each class means, for people.
CLASSES = {
    CrashClass.CONFIGURATION: "the configuration or the installation",
    CrashClass.BUG: "a bug of triggerbot or of a library",
    CrashClass.KILLED: "killed from outside",
    CrashClass.AWAY: "the store or a CI was away",
    CrashClass.UNKNOWN: "",
}
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
#: Characters of an exception in the sentence.
_ERROR_MAX = 200


def root_cause(crashes: Sequence[Crash]) -> str:
    """Return the first cause of the latest incident in one line; empty if there was none.

    `crashes`: as the store lists them, newest incident first, and in it the earliest death first.
    """
    if not crashes:
        return ""
    first = crashes[0]
    followed = 0
    for expected, crash in enumerate(crashes[1:], first.order + 1):
        if crash.order != expected:
            break
        followed += 1
    host, _, number = first.worker.rpartition("/")
    several = len({crash.worker.rpartition("/")[0] for crash in crashes}) > 1
    who = f"worker {number} of {host}" if several else f"worker {number}"
    what = first.error.partition("\n")[0] or first.ended
    what = what if len(what) <= _ERROR_MAX else f"{what[:_ERROR_MAX]}…"
    said = [f"Root cause: {who}", what]
    if CLASSES[first.kind]:
        said.append(CLASSES[first.kind])
    if first.lived is not None:
        said.append(f"after {duration(first.lived)}")
    if followed:
        said.append(
            f"{_NUMBERS[followed] if followed < len(_NUMBERS) else followed} other{'s' * (followed > 1)} followed"
        )
    return ", ".join(said)
