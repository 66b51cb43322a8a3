"""A CI in memory that takes commands from comments, and lists failure lines and the files of a push."""

from collections.abc import Callable, Sequence

from tests.fakes.memory_ci import MemoryCI
from triggerbot.core.errors import NotKnown
from triggerbot.core.model import CommentCommand, Push, Run
from triggerbot.systems import Asker


class ListeningCI(MemoryCI):
    """Answers what a test puts in; exceptions are raised."""

    def __init__(self, name: str = "ci") -> None:
        super().__init__(name)
        #: Failure lines of runs, by their ids; other runs have none.
        self.lines: dict[str, Sequence[str] | BaseException] = {}
        self.asked_why: list[str] = []
        self.changed: dict[str, Sequence[str] | BaseException] = {}
        #: Askers by login.
        self.askers: dict[str, Asker | BaseException] = {}
        #: The commit of each pull request.
        self.pulls: dict[int, str] = {}
        #: Commands that were reacted to, and how.
        self.reactions: list[tuple[str, bool]] = []
        self.reaction: BaseException | None = None
        #: Called during each request, to let time pass for example.
        self.meanwhile: Callable[[], None] = lambda: None

    def failures(self, push: Push, run: Run) -> Sequence[str]:
        """Return the failure lines of a run."""
        self.asked_why.append(run.run_id)
        self.meanwhile()
        found = self.lines.get(run.run_id, ())
        if isinstance(found, BaseException):
            raise found
        return found

    def files(self, push: Push) -> Sequence[str]:
        """Return the files that a push changes."""
        self.meanwhile()
        found = self.changed.get(push.revision, ())
        if isinstance(found, BaseException):
            raise found
        return found

    def asker(self, command: CommentCommand) -> Asker:
        """Return the permissions of the author; a stranger has none."""
        self.meanwhile()
        found = self.askers.get(command.author, Asker(may_write=False, is_author=False))
        if isinstance(found, BaseException):
            raise found
        return found

    def revision(self, command: CommentCommand) -> str:
        """Return the head commit of the pull request."""
        if command.pull not in self.pulls:
            raise NotKnown("no such pull request")
        return self.pulls[command.pull]

    def react(self, command: CommentCommand, *, heard: bool) -> None:
        """Record the reaction."""
        if self.reaction is not None:
            raise self.reaction
        self.reactions.append((command.id, heard))
