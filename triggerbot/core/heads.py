"""What is kept of a branch to tell its newest commit: each thing told once, with its time. Pure.

A store keeps marks, texts with a time, per system, project and branch, and knows nothing of their meaning: of each it
keeps the earliest or the latest time, and of a branch the newest `MARKS_MAX`.
"""

from typing import NamedTuple

from triggerbot.core.model import Head, HeadKind

#: Marks kept of one branch, the newest.
MARKS_MAX = 200
_SEPARATOR = "\x1f"
#: A batch of runs is told many times, and a commit has many: the first and the last are kept.
_LAST = "last"
_TEXT_MAX = 500


class Mark(NamedTuple):
    """One mark of a branch."""

    text: str
    at: float
    #: Whether the earliest time of it is kept, rather than the latest.
    least: bool = False


class Place(NamedTuple):
    """The branch that marks are kept for; owners and repositories are the same in any case, branches are not."""

    system: str
    project: str
    branch: str


def place(system: str, project: str, branch: str) -> Place:
    """Return where the marks of a branch are kept."""
    return Place(system, project.lower(), branch)


def marks(head: Head, now: float) -> list[Mark]:
    """Return what is kept of something told; the first is new if it was not known."""
    at = now if head.at is None else head.at
    text = _text(head.kind, head)
    if head.kind is not HeadKind.RAN:
        return [Mark(text, at, least=head.kind is HeadKind.SEEN)]
    return [Mark(text, at, least=True), Mark(_text(_LAST, head), at)]


def _text(kind: str, head: Head) -> str:
    parts = (kind, head.fork.lower(), head.revision, head.detail)
    return _SEPARATOR.join(part.replace(_SEPARATOR, " ").replace("\0", "")[:_TEXT_MAX] for part in parts)


#: The mark of a default branch: on it nothing is superseded, unless it is guarded.
DEFAULT = _SEPARATOR.join((HeadKind.DEFAULT, "", "", ""))


class Told(NamedTuple):
    """A mark as it is read: what was told, of which fork's commit, and when."""

    kind: HeadKind
    fork: str
    revision: str
    detail: str
    at: float
    #: Of batches of runs: whether it is the last one, rather than the first.
    last: bool = False


def told(text: str, at: float) -> Told | None:
    """Return what a mark says; `None` for one of a later version."""
    kind, fork, revision, detail = (*text.split(_SEPARATOR, 3), "", "", "")[:4]
    if kind == _LAST:
        return Told(HeadKind.RAN, fork, revision, detail, at, last=True)
    return Told(HeadKind(kind), fork, revision, detail, at) if kind in tuple(HeadKind) else None
