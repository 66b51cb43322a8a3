"""Looking up pushes by project and abbreviated revision, and the messages if none, or no such job, is found."""

import difflib
import ipaddress
import re
from collections.abc import Collection
from contextlib import suppress

from triggerbot.config import Config
from triggerbot.core.errors import UsageError
from triggerbot.core.formatting import duration, moment, plain
from triggerbot.core.model import Push
from triggerbot.store import Pause, PushRecord, Store

_REVISION = re.compile(r"[0-9a-fA-F]{1,64}")
#: Seconds to wait for the daemon's health check, which answers at once.
_ALIVE_SECONDS = 1.0
_ABSENT = {
    None: "the daemon may not be running (it listens nowhere, so that cannot be seen from here)",
    True: "a daemon answers at {where}, so that is not why, if it is yours",
    False: "the daemon is not running: nothing answers at {where}; start it with `triggerbot run`",
}
#: Most pushes or names listed to choose from.
_LIST_MAX = 10


class NothingKnown(UsageError):
    """No such push is in the store."""


def find(
    store: Store, config: Config, project: str, revision: str, *, branch: str | None = None, system: str | None = None
) -> list[PushRecord]:
    """Return the records of a revision, one for each branch and system it was pushed to.

    Raises:
        UsageError: it is not a revision, or an ambiguous one.
        NothingKnown: no push is found; the message lists possible reasons.
    """
    found = find_pushes(store, project, revision, branch=branch, system=system)
    records = [record for push in found if (record := store.pushes.record(push)) is not None]
    if not records:
        raise NothingKnown(unknown_message(store, config, project, revision, branch=branch, system=system))
    return records


def find_pushes(
    store: Store, project: str, revision: str, *, branch: str | None = None, system: str | None = None
) -> list[Push]:
    """Return the pushes of one revision, possibly none. Raises `UsageError` if it is malformed or ambiguous."""
    if not _REVISION.fullmatch(revision):
        raise UsageError(f"{revision!r} is no revision: give the commit id (hexadecimal), or the beginning of it")
    found = [
        push
        for push in store.pushes.find(project, revision)
        if branch in (None, push.branch) and system in (None, push.system)
    ]
    exact = [push for push in found if push.revision == revision.lower()]
    revisions = dict.fromkeys(push.revision for push in exact or found)
    if len(revisions) > 1:
        listed = "\n".join(f"  {one}" for one in list(revisions)[:_LIST_MAX])
        raise UsageError(f"{revision} is the beginning of {len(revisions)} revisions; give more of it:\n{listed}")
    return exact or found


def not_watched_message(config: Config, project: str) -> str:
    """Return the message that no rule watches a project, with the projects that the rules name."""
    patterns = ", ".join(dict.fromkeys(name for rule in config.rules for name in rule.projects.patterns))
    return f"no rule of {config.source} watches the project {project!r}; the rules name: {patterns or 'none'}"


def is_watched(config: Config, project: str) -> bool:
    """Whether any rule watches a project, on any branch."""
    return any(rule.watches(project) for rule in config.rules)


def no_system_message(config: Config, name: str) -> str:
    """Return the message that the config has no system of this name, with those it has."""
    return f"the config names no system {name!r}; systems: {', '.join(config.systems) or 'none'}"


def unknown_message(
    store: Store, config: Config, project: str, revision: str, *, branch: str | None = None, system: str | None = None
) -> str:
    """Return the message that no push is found, with every possible reason."""
    where = (f" on the branch {branch!r}" if branch else "") + (f" of the system {system!r}" if system else "")
    head = f"nothing is known of {revision} in {project}{where}"
    if system is not None and system not in config.systems:
        head = f"{head}: {no_system_message(config, system)}"
    if elsewhere := find_pushes(store, project, revision):
        listed = "".join(f"\n  --branch {push.branch} --system {push.system}" for push in elsewhere[:_LIST_MAX])
        return f"{head}\nit is known with:{listed}"
    if system is not None and system not in config.systems:
        return head
    if not is_watched(config, project):
        return f"{head}: {not_watched_message(config, project)}"
    recent = [f"  {push.revision}  {push.branch}  ({push.system})" for push in store.pushes.recent(5, project)]
    listed = "\n".join(["the pushes heard of last there:", *recent]) if recent else "no push of this project is known"
    return "\n".join(
        (
            f"{head}. That may be, because",
            "  - no event of it has come yet: no job of it was reported by a webhook, queue, poll or file",
            f"  - nothing was heard of it for longer than the retention ({duration(config.retention)})",
            f"  - {_ABSENT[daemon_answers(config)].format(where=_where(config))}",
            listed,
        )
    )


def _where(config: Config) -> str:
    return "" if config.listen is None else f"{config.listen[0]}:{config.listen[1]}"


def _reachable(host: str) -> str:
    """Return the address to connect to for one to listen on: the loopback address for an unspecified one."""
    with suppress(ValueError):
        if ipaddress.ip_address(host).is_unspecified:
            return "::1" if ":" in host else "127.0.0.1"
    return host


def daemon_answers(config: Config) -> bool | None:
    """Whether a daemon answers at the config's `listen` address; `None` if it has none."""
    if config.listen is None:
        return None
    # It takes a while to import, and nearly every push is known.
    import http.client

    host, port = config.listen
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=_ALIVE_SECONDS)
    try:
        connection.request("GET", "/__lbheartbeat__")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()


def near(name: str, known: Collection[str]) -> str:
    """Return known names similar to an unknown one, each on an indented line of its own; empty if there are none."""
    lowered = name.lower()
    containing = [one for one in sorted(known) if lowered in one.lower()]
    similar = difflib.get_close_matches(name, known, n=_LIST_MAX, cutoff=0.6)
    listed = list(dict.fromkeys([*similar, *containing]))[:_LIST_MAX]
    return "".join(f"\n  {one}" for one in listed)


def short(push: Push) -> str:
    """Return a push's project and abbreviated revision."""
    return f"{push.project} {push.revision[:12]}"


def headline(record: PushRecord) -> str:
    """Return a push's name with its author and time, as far as they are known."""
    push = record.push
    by = f", by {record.facts.author}" if record.facts.author else ""
    at = f", {moment(record.facts.time)}" if record.facts.time is not None else ""
    return f"{push.project} {push.revision} on {push.branch} ({push.system}){by}{at}"


def describe(there: Pause) -> str:
    """Say who paused, when, and why."""
    note = f": {there.note}" if there.note else ""
    return plain(f"paused by {there.by} since {moment(there.at)}{note}")
