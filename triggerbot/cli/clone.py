"""The push that a developer means who names none: HEAD of the clone in which the command runs."""

import re
import shutil
import subprocess

from triggerbot.core.errors import UsageError

#: Seconds that git may take; it reads two small files.
_PATIENCE = 10.0
#: Of `https://host/owner/name.git`, `ssh://git@host:22/owner/name` and `git@host:owner/name`: what names the project.
_REMOTE = re.compile(r"(?:[a-z+]+://[^/]+/|(?:[^@/:]+@)?[^/:]+:(?!//))(?P<project>.+?)(?:\.git)?/*")
_GIVE = "give PROJECT and REVISION"


def named(project: str | None, revision: str | None) -> tuple[str, str]:
    """Return project and revision as they were given; without any, those of the clone's origin and HEAD.

    Raises `UsageError` if that cannot be known.
    """
    if project is not None and revision is not None:
        return project, revision
    if project is not None:
        raise UsageError(f"which revision of {project}? {_GIVE}, or neither of them inside a clone")
    origin = _git("remote", "get-url", "origin", why="this clone has no remote of the name origin")
    found = _REMOTE.fullmatch(origin)
    if found is None:
        raise UsageError(f"the origin of this clone, {origin}, does not name a project; {_GIVE}")
    return found["project"], _git("rev-parse", "--verify", "HEAD", why="this clone has no commit yet")


def _git(*arguments: str, why: str) -> str:
    program = shutil.which("git")
    if program is None:
        raise UsageError(f"git is not installed, so the push of this clone is not known; {_GIVE}")
    command = [program, *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - git, with arguments of ours
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_PATIENCE,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"git does not answer ({error}); {_GIVE}") from None
    if done.returncode == 0:
        return done.stdout.strip()
    # Exit code 128 before git says more: no repository here, or one that belongs to somebody else.
    said = done.stderr.strip().partition("\n")[0]
    outside = "not a git repository" in said or "dubious ownership" in said
    raise UsageError(f"{'this is no clone' if outside else why} (git: {said}); {_GIVE}")
