"""What GitHub knows about a failure beside its result: the annotations of the job, and the files of the commit."""

from triggerbot.core.errors import NotKnown
from triggerbot.core.model import Push, Run
from triggerbot.systems import FAILURES_MAX
from triggerbot.systems.github import messages, outcomes, talk
from triggerbot.systems.github.client import PER_PAGE, Client
from triggerbot.systems.http import segments

#: Characters of a failure line.
_LINE_MAX = 2000
#: Files of one page; GitHub cuts there ("Get a commit", 2026).
_FILES_MAX = 300
_LEVELS = ("failure", "warning")
#: GitHub puts what is about no file there: "Process completed with exit code 1."
_NOWHERE = ("", ".github")


def failures(client: Client, push: Push, run: Run) -> tuple[str, ...]:
    """List what a job said is wrong, failures before warnings, and those with a place first.

    The id of a job is that of its check run ("Workflow jobs", `check_run_url`).
    """
    if not (run.run_id.isascii() and run.run_id.isdigit()):
        raise NotKnown(f"{run.run_id[:100]!r} is no id of a job of GitHub's")
    path = segments(*_repository(push), "check-runs", run.run_id, "annotations")
    reply = client.get(push.project, path, {"per_page": str(PER_PAGE)}, conditional=False)
    body = outcomes.readable(reply, f"the annotations of job {run.run_id}", outcomes.READ_CHECKS).body
    said = [one for one in messages.answer(body, list[talk.Annotation]) if one.annotation_level in _LEVELS]
    said.sort(key=lambda one: (_LEVELS.index(one.annotation_level or ""), one.path in _NOWHERE))
    lines = (_line(one) for one in said)
    return tuple(dict.fromkeys(line for line in lines if line))[:FAILURES_MAX]


def _line(one: talk.Annotation) -> str:
    title, message = (" ".join((text or "").replace("\0", "").split()) for text in (one.title, one.message))
    if title and title not in message:
        message = f"{title}: {message}" if message else title
    if message and one.path not in _NOWHERE:
        where = one.path if one.start_line is None else f"{one.path}:{one.start_line}"
        message = f"{where}: {message}"
    return message[:_LINE_MAX]


def files(client: Client, push: Push) -> tuple[str, ...]:
    """List the files that a commit changes, the first 300 at most."""
    path = segments(*_repository(push), "commits", push.revision)
    reply = client.get(push.project, path, {"per_page": str(_FILES_MAX), "page": "1"}, conditional=False)
    body = outcomes.readable(reply, f"the files of {push.revision[:12]}", outcomes.READ_CONTENTS).body
    changed = messages.answer(body, talk.CommitDetail).files or []
    return tuple(file.filename for file in changed[:_FILES_MAX])


def _repository(push: Push) -> tuple[str, ...]:
    if not messages.is_full_name(push.project):
        raise NotKnown(f"{push.project[:200]!r} is no owner/repository")
    return ("repos", *push.project.split("/"))
