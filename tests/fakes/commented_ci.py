"""A CI in memory where people can ask, and that can be asked: why a run failed, and what a push changes."""

from collections.abc import Callable, Sequence

from tests.fakes.memory_ci import MemoryCI
from triggerbot.core.errors import NotKnown
from triggerbot.core.model import CommentCommand, Push, Run
from triggerbot.systems import Asker


class ListeningCI(MemoryCI):
    """Answers what a test puts in; whatever is an exception is raised."""

    def __init__(self, name: str = "ci") -> None:
        super().__init__(name)
        #: What runs say, by their ids; others say nothing.
        self.lines: dict[str, Sequence[str] | BaseException] = {}
        self.asked_why: list[str] = []
        self.changed: dict[str, Sequence[str] | BaseException] = {}
        #: By login.
        self.askers: dict[str, Asker | BaseException] = {}
        #: The commit of each pull request.
        self.pulls: dict[int, str] = {}
        #: Wishes that were reacted to, and how.
        self.reactions: list[tuple[str, bool]] = []
        self.reaction: BaseException | None = None
        #: What happens while it is asked anything: time passes, for one.
        self.meanwhile: Callable[[], None] = lambda: None

    def failures(self, push: Push, run: Run) -> Sequence[str]:
        """Say what a run says."""
        self.asked_why.append(run.run_id)
        self.meanwhile()
        found = self.lines.get(run.run_id, ())
        if isinstance(found, BaseException):
            raise found
        return found

    def files(self, push: Push) -> Sequence[str]:
        """Say what a push changes."""
        self.meanwhile()
        found = self.changed.get(push.revision, ())
        if isinstance(found, BaseException):
            raise found
        return found

    def asker(self, command: CommentCommand) -> Asker:
        """Say who asks; a stranger may nothing."""
        self.meanwhile()
        found = self.askers.get(command.author, Asker(may_write=False, is_author=False))
        if isinstance(found, BaseException):
            raise found
        return found

    def revision(self, command: CommentCommand) -> str:
        """Say which commit the pull request has."""
        if command.pull not in self.pulls:
            raise NotKnown("no such pull request")
        return self.pulls[command.pull]

    def react(self, command: CommentCommand, *, heard: bool) -> None:
        """Keep how it was reacted to."""
        if self.reaction is not None:
            raise self.reaction
        self.reactions.append((command.id, heard))
