"""What a rule says of jobs that keep failing on a branch. Pure."""

from dataclasses import dataclass

from triggerbot.core.patterns import Globs

EVERY = Globs(["*"])
#: Consecutive pushes from which on failures are a streak, and jobs beyond which those that begin to fail at one push
#: are one message.
PUSHES, MANY = 2, 5


@dataclass(frozen=True, slots=True)
class Alerts:
    """What a rule says of jobs that keep failing on a branch."""

    #: At how many consecutive pushes a job has to fail.
    pushes: int = PUSHES
    jobs: Globs = EVERY
    exclude_jobs: Globs = Globs([])
    #: Whether the shards of a job are looked at as one job.
    merge_shards: bool = False
    #: More jobs than that which begin to fail at one push are one message.
    many: int = MANY

    def covers(self, *names: str) -> bool:
        """Return whether a job is looked at, by any of its names."""
        return self.jobs.match_any(names) and not self.exclude_jobs.match_any(names)
