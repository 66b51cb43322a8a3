"""Waiting that is no trouble: for a turn, for a run to end, for the CI to know a job. Its notes begin alike. Pure."""

from triggerbot.core.claim import Claim

_FOR = "waits for "
#: Why a claim waits where its CI limits writes.
TURN = f"{_FOR}its turn: this CI limits how often it may be asked"
RUN = f"{_FOR}the run that was asked for"
_KNOWN = f"{_FOR}the CI to know it: "
#: How an earlier version began such notes.
_EARLIER = "waits until "


def until_known(why: str) -> str:
    """Return the note of a claim whose job, or push, the CI does not know yet."""
    return f"{_KNOWN}{why}"


def until_dry_run_ends(was: str) -> str:
    """Return the note of a claim that dry run holds back; `was`: what happened to it before."""
    return f"{_FOR}dry run to end: this was {was} before"


def what(note: str) -> str:
    """Return what a note says that a claim waits for, as `for ...`; empty if it is in trouble, or waits for nothing."""
    if note.startswith(_FOR):
        return note.removeprefix("waits ")
    return note.removeprefix("waits ") if note.startswith(_EARLIER) else ""


def is_turn(note: str) -> bool:
    """Return whether a claim waits for its turn only."""
    return what(note).startswith("for its turn")


def until_turn(claim: Claim) -> str:
    """Return the note of a claim that waits for its turn.

    What it waited for before stays: that it is not its turn either is no news, and would be told at each look.
    """
    return claim.note if claim.note and (claim.tries or what(claim.note)) else TURN


def until_classification_is_known(why: object) -> str:
    """Say that a failure may be classified, and that it is not known by whom."""
    return f"it is not known how its failure is classified: {why}"
