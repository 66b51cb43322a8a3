"""Push logs, which give a push's message and author: Mercurial's push log, or a commit on GitHub."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from triggerbot.core.errors import CIUnavailable, NotKnown, NotUnderstood
from triggerbot.core.event_json import parse_parents, parse_time
from triggerbot.core.model import Push, PushFacts
from triggerbot.core.patterns import Globs
from triggerbot.systems.http import Http, Reply, segments, usable


@dataclass(frozen=True, slots=True)
class PushLog:
    """The push log of some projects: `hg` (a URL with `{project}` in it) or `github` (that of the API)."""

    projects: Globs
    hg: str | None = None
    github: str | None = None
    token: str | None = field(default=None, repr=False)


class PushLogs:
    """All push logs; the first that matches a project is used for it."""

    def __init__(self, logs: Sequence[PushLog], user_agent: str, transport: httpx.BaseTransport | None = None) -> None:
        self._logs = logs
        self._http = Http("", {"user-agent": user_agent, "accept": "application/json"}, transport=transport)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _log(self, project: str) -> PushLog | None:
        return next((log for log in self._logs if log.projects.match_project(project)), None)

    def covers(self, project: str) -> bool:
        """Return whether a log is configured for a project."""
        return self._log(project) is not None

    def facts(self, push: Push) -> PushFacts | None:
        """Read message, author and time of a push; `None`: no log is configured for its project.

        Raises:
            NotKnown: the log has no such push (yet).
            CIUnavailable: no usable answer for now; without the message a `--no-retry` would be missed.
            CIDenied: it denies us access.
        """
        log = self._log(push.project)
        if log is None:
            return None
        return self._of_hg(log.hg, push) if log.hg is not None else self._of_github(log, push)

    def since(self, project: str, since: float) -> list[str] | None:
        """List the revisions (of the newest changeset) of the pushes since `since`; `None`: the project's log cannot.

        Raises as `facts` does.
        """
        log = self._log(project)
        if log is None or log.hg is None:
            return None
        start = quote(str(int(since)), safe="")
        pushes = self._pushes(f"{_base(log.hg, project)}/json-pushes?version=2&full=1&startdate={start}%200", project)
        found = []
        for push in pushes:
            changesets = push.get("changesets")
            if isinstance(changesets, list) and changesets and isinstance(changesets[-1], dict):
                found.append(str(changesets[-1].get("node", "")))
        return [node for node in found if node]

    def _of_hg(self, hg: str, push: Push) -> PushFacts:
        address = f"{_base(hg, push.project)}/json-pushes?version=2&full=1&changeset={quote(push.revision, safe='')}"
        pushes = self._pushes(address, push.project)
        if not pushes:
            raise NotKnown(f"the push log of {push.project} has no {push.revision[:12]} (yet)")
        found = pushes[0]
        changesets = found.get("changesets")
        # The try line is usually on the last changeset, but any may carry it: newest first.
        messages = [
            one["desc"]
            for one in reversed(changesets if isinstance(changesets, list) else [])
            if isinstance(one, dict) and isinstance(one.get("desc"), str)
        ]
        user, date = found.get("user"), found.get("date")
        return PushFacts(
            push,
            "\n".join(messages),
            user if isinstance(user, str) else None,
            float(date) if isinstance(date, int | float) else None,
            base=_base_of(_objects(changesets)),
            parents=next((_revisions(one.get("parents")) for one in reversed(_objects(changesets))), ()),
        )

    def _pushes(self, address: str, project: str) -> list[dict[str, Any]]:
        what = f"the push log of {project}"
        pushes = self._object(self._http.get(address), what).get("pushes")
        if not isinstance(pushes, dict):
            raise CIUnavailable(f"{what}: the answer has no pushes")
        return [one for one in pushes.values() if isinstance(one, dict)]

    def _of_github(self, log: PushLog, push: Push) -> PushFacts:
        owner, _, name = push.project.partition("/")
        what = f"the commit {push.revision[:12]} of {push.project}"
        headers = {"accept": "application/vnd.github+json"}
        if log.token:
            headers["authorization"] = f"Bearer {log.token}"
        path = segments("repos", owner, name, "commits", push.revision)
        found = self._object(self._http.get(f"{(log.github or '').rstrip('/')}{path}", headers=headers), what)
        commit = found.get("commit")
        if not isinstance(commit, dict):
            raise CIUnavailable(f"{what}: the answer has no commit")
        author, account = commit.get("author"), found.get("author")
        author = author if isinstance(author, dict) else {}
        login = account.get("login") if isinstance(account, dict) else None
        message, listed = commit.get("message"), found.get("parents")
        parents = listed if isinstance(listed, list) else []
        return PushFacts(
            push,
            message if isinstance(message, str) else "",
            login or author.get("email") or None,
            _time(author.get("date")),
            parents=_revisions([one.get("sha") for one in parents if isinstance(one, dict)]),
        )

    def _object(self, reply: Reply, what: str) -> dict[str, Any]:
        if reply.status in (404, 422):
            raise NotKnown(f"{what} is not known (yet)")
        answer = usable(reply, what).json()
        if not isinstance(answer, dict):
            raise CIUnavailable(f"{what}: the answer is no JSON object")
        return answer


def _objects(changesets: Any) -> list[dict[str, Any]]:
    return [one for one in changesets if isinstance(one, dict)] if isinstance(changesets, list) else []


def _base_of(changesets: Sequence[dict[str, Any]]) -> str | None:
    """Return what the changesets of a push are on top of: the first parent of the oldest that is none of them."""
    own = {one.get("node") for one in changesets}
    oldest = _revisions(changesets[0].get("parents")) if changesets else ()
    return next((one for one in oldest if one not in own), None)


def _revisions(listed: Any) -> tuple[str, ...]:
    """Return revisions, leaving out what is none, and Mercurial's name for having no parent."""
    texts = [one for one in listed if isinstance(one, str) and one.strip("0")] if isinstance(listed, list) else []
    try:
        return parse_parents(texts)
    except NotUnderstood:
        return ()


def _base(hg: str, project: str) -> str:
    return hg.replace("{project}", segments(*project.split("/"))[1:]).rstrip("/")


def _time(value: Any) -> float | None:
    try:
        return parse_time(value) if isinstance(value, str) else None
    except NotUnderstood:
        return None
