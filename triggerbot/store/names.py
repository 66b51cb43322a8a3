"""The names of parts, documents and indexes. Foreign text in them is escaped, so that each can be taken apart again."""

from enum import StrEnum
from functools import lru_cache

from triggerbot.core.model import Branch, Group, Push

#: Between the components of a name, and what begins an escape in one.
US, _ESCAPE = "\x1f", "\x1b"
#: Kinds of documents of a push, whose log is its timeline.
PUSH, JOBS, CLAIM, OPERATION, METADATA, FAILURES = "", "j", "c", "o", "m", "f"
#: The kinds of the document with all jobs of a push that has been quiet for long, and of that with what it shows along
#: its branch.
PACK, GRID = "z", "g"
#: Indexes: pushes by their last event, in a branch by push order, by revision; verdicts.
RECENT, BRANCH, REVISIONS, JUDGED = "recent", "branch", "revisions", "judged"
#: Projects; pushes whose contribution to the statistics has changed; dead letters by their numbers.
PROJECTS, UNCOUNTED, LETTERS = "projects", "uncounted", "letters"
#: Sums of the pushes of a project and a day at which each job passed or failed; the index of these days.
RAN = "ran"
#: By project and job: pushes with an intermittent failure that is not known from others, by the end of its last run.
UNSETTLED = "unsettled"
#: Pushes whose verdicts rest on a revision, by that.
BASED = "based"
#: Pushes that are not packed, by their last event.
UNPACKED = "unpacked"
#: Branches of which something is expected, by when that began.
EXPECTED = "expected"


class Queue(StrEnum):
    """The index of what falls due, by when; see `due`."""

    PUSHES = "due"
    LEADS = "leads due"
    REPORTS = "reports"
    COMMANDS = "commands"
    BACKFILLS = "backfills"
    BRANCHES = "branches due"
    EXPECTATIONS = "expectations"


def escape(text: str) -> str:
    """Return a component of a name."""
    if US not in text and _ESCAPE not in text:
        return text
    return text.replace(_ESCAPE, f"{_ESCAPE}0").replace(US, f"{_ESCAPE}1")


def unescape(text: str) -> str:
    """Return the text of a component."""
    return text if _ESCAPE not in text else text.replace(f"{_ESCAPE}1", US).replace(f"{_ESCAPE}0", _ESCAPE)


def join(*components: str) -> str:
    """Return a name of these components."""
    return US.join(map(escape, components))


def split(name: str) -> list[str]:
    """Return the components of a name."""
    return list(map(unescape, name.split(US)))


def within(part: str, name: str) -> str:
    """Return the name of something in a part."""
    return f"{part}{US}{escape(name)}"


def apart(name: str) -> tuple[str, str]:
    """Return the part and the name in it."""
    part, _, own = name.rpartition(US)
    return part, unescape(own)


@lru_cache(maxsize=1024)
def part_of(push: Push) -> str:
    """Return the part of a push, which is also its name in indexes."""
    return join("p", *push)


def push_of(part: str) -> Push:
    """Return the push of a part."""
    return Push(*split(part)[1:])


def branch_part(branch: Branch) -> str:
    """Return the part of a branch, which is also its name in indexes."""
    return join("b", *branch)


def branch_of(part: str) -> Branch:
    """Return the branch of a part."""
    return Branch(*split(part)[1:])


def group_part(group: Group) -> str:
    """Return the part of a group of leads, which is also its name in indexes."""
    return join("g", *group)


def due_of(part: str) -> Push | Group:
    """Return what falls due under a name of the index."""
    kind, *names = split(part)
    return Push(*names) if kind == "p" else Group(*names)


def revision_member(push: Push) -> str:
    """Return the name of a push in the index of revisions, which starts with its project and revision."""
    return f"{join(push.project.lower(), push.revision)}{US}{part_of(push)}"


def part_of_revision(member: str) -> str:
    """Return the part of a push, from its name in the index of revisions."""
    return member.split(US, 2)[2]


def based_index(push: Push, revision: str) -> str:
    """Return the index of the pushes whose verdicts rest on a revision of a push's project."""
    return join(BASED, push.system, push.project.lower(), revision)


def branch_index(push: Push) -> str:
    """Return the index of the pushes of a push's branch, in push order."""
    return join(BRANCH, *push[:3])


def held_index(behind: str) -> str:
    """Return the index of the claims held behind a key."""
    return join("held", behind)
