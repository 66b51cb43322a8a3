"""Who asks for something in a comment or by a button, about which commit, and showing them that it was heard."""

from triggerbot.core.errors import NotKnown
from triggerbot.core.model import Wish
from triggerbot.systems import Asker
from triggerbot.systems.github import messages
from triggerbot.systems.github.pulls import Pulls

#: Whoever may do one of these can rerun jobs in GitHub itself.
_WRITERS = frozenset({"admin", "maintain", "write"})
_COMMENT = "comment:"


def asker(pulls: Pulls, wish: Wish) -> Asker:
    """Tell what the asker may do; raises as `systems.Listens` says."""
    _known(wish)
    access = pulls.access(wish.project, wish.author)
    if wish.pull is not None:
        about = [pulls.get(wish.project, wish.pull)]
    else:
        about = pulls.of_head(wish.project, wish.revision or "")
    authors = {one.user.login.lower() for one in about if one.user is not None}
    return Asker(
        may_write=access.permission in _WRITERS or access.role_name in _WRITERS,
        is_author=wish.author.lower() in authors,
        pushes_of=wish.author,
    )


def revision(pulls: Pulls, wish: Wish) -> str:
    """Tell which commit a wish is about: the head of its pull request as it is now."""
    _known(wish)
    if wish.revision is not None:
        return wish.revision
    if wish.pull is None:
        raise NotKnown(f"{wish.id} names neither a pull request nor a commit")
    return pulls.get(wish.project, wish.pull).head.sha.lower()


def react(pulls: Pulls, wish: Wish, *, heard: bool) -> None:
    """React to a comment; to a button there is nothing to react to."""
    number = wish.id.removeprefix(_COMMENT)
    if wish.id.startswith(_COMMENT) and number.isascii() and number.isdigit():
        _known(wish)
        pulls.react(wish.project, int(number), "+1" if heard else "confused")


def _known(wish: Wish) -> None:
    if not messages.is_full_name(wish.project):
        raise NotKnown(f"{wish.project[:200]!r} is no owner/repository")
