"""Parses workflow files: what jobs need, how GitHub lists them, and what ends or replaces them; purely.

They are written by strangers: size, nesting and number of values are limited, everything is read as text (so `on:` is
no truth value, and no tag makes an object), and aliases are not multiplied.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from triggerbot.core.errors import NotUnderstood
from triggerbot.systems.github import expressions

#: Bytes of a file, its values, and its levels of nesting: several times what any real workflow has.
FILE_MAX, _VALUES_MAX, _DEPTH_MAX = 512 * 1024, 100_000, 40
_JOBS_MAX = 500
#: Names that are listed of one job with a matrix, at most; of more, what is the same in all of them has to do.
_NAMES_MAX = 256
_LOCAL = re.compile(r"\./(\.github/workflows/[^/]+\.ya?ml)")
_MATRIX = re.compile(r"matrix\.([\w-]+(?:\.[\w-]+)*)")
_LOADER: type[yaml.CBaseLoader | yaml.BaseLoader] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True, slots=True)
class Titles:
    """The names under which GitHub lists a job."""

    exact: frozenset[str]
    #: Names of which only parts are known: what they begin with, contain in this order, and end with.
    parts: tuple[tuple[str, ...], ...] = ()

    def fit(self, name: str) -> int | None:
        """Return how well a name fits, the more the better; `None` if it is none of them."""
        if name in self.exact:
            return 1000 + len(name)
        return max((sum(map(len, parts)) for parts in self.parts if _fits(parts, name)), default=None)


def _fits(parts: Sequence[str], name: str) -> bool:
    """Whether a name consists of these parts with anything between them; at least two parts."""
    first, *middle, last = parts
    if not (name.startswith(first) and name.endswith(last) and len(name) >= len(first) + len(last)):
        return False
    at, end = len(first), len(name) - len(last)
    for part in middle:
        at = name.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


@dataclass(frozen=True, slots=True)
class WorkflowJob:
    """One job of a workflow file."""

    id: str
    titles: Titles
    needs: tuple[str, ...] = ()
    #: The path of the workflow that it calls, if that is one of the same commit.
    uses: str | None = None
    environment: bool = False
    #: It may fail for certain.
    may_fail: bool = False
    #: Seconds that it may run, if the file says so.
    longest: float | None = None


@dataclass(frozen=True, slots=True)
class Concurrency:
    """A concurrency group: its name, and whether a newer run in it cancels an older one; both may be expressions."""

    group: str
    cancels: str


@dataclass(frozen=True, slots=True)
class Workflow:
    """What a workflow file says, as far as it matters here."""

    jobs: Mapping[str, WorkflowJob]
    concurrency: tuple[Concurrency, ...] = ()

    def cancels_in_progress(self, event: str, branch: str) -> bool | None:
        """Return whether a newer run for the same event and branch cancels one in progress, or a job of it.

        `None`: that cannot be told from the file.
        """
        known = expressions.of_run(event, branch)
        found = [_cancels(one, known) for one in self.concurrency]
        return True if True in found else None if None in found else False


def _cancels(one: Concurrency, known: Mapping[str, expressions.Value]) -> bool | None:
    cancels = expressions.evaluate(one.cancels, known)
    held = cancels.strip().lower() == "true" if isinstance(cancels, str) else expressions.truth(cancels)
    if held is False:
        return False
    group = expressions.evaluate(one.group, known)
    if group is expressions.Special.UNIQUE:
        return False
    return None if group is expressions.Special.UNKNOWN else held


def parse(content: bytes) -> Workflow:
    """Parse a workflow file; raises `NotUnderstood`, with the reason in a few words."""
    value = _load(content)
    jobs = value.get("jobs") if isinstance(value, dict) else None
    if not isinstance(jobs, dict) or not jobs:
        raise NotUnderstood("it has no jobs")
    if len(jobs) > _JOBS_MAX:
        raise NotUnderstood(f"it has more than {_JOBS_MAX} jobs")
    found = [_job(name, job) for name, job in jobs.items() if isinstance(name, str) and isinstance(job, dict)]
    groups = [one for where in (value, *jobs.values()) for one in _concurrency(where)]
    return Workflow({job.id: job for job in found}, tuple(groups))


def _load(content: bytes) -> Any:
    if len(content) > FILE_MAX:
        raise NotUnderstood(f"it is larger than {FILE_MAX // 1024} kB")
    try:
        text = content.decode("utf-8-sig")
        depth = 0
        for number, event in enumerate(yaml.parse(text, Loader=_LOADER)):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEPTH_MAX or number > _VALUES_MAX:
                raise NotUnderstood("it is nested too deeply" if depth > _DEPTH_MAX else "it has too many values")
        return yaml.load(text, Loader=_LOADER)  # noqa: S506 # nosec B506
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        raise NotUnderstood(f"it is no YAML: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    where = f" in line {mark.line + 1}" if mark is not None else ""
    return f"{problem or type(error).__name__}{where}"[:200]


def _job(name: str, job: Mapping[Any, Any]) -> WorkflowJob:
    uses = _LOCAL.fullmatch(_text(job.get("uses")))
    environment = job.get("environment")
    return WorkflowJob(
        id=name,
        titles=_titles(name, job),
        needs=tuple(_texts(job.get("needs"))),
        uses=None if uses is None else uses[1],
        environment=bool(environment.get("name") if isinstance(environment, dict) else environment),
        may_fail=_text(job.get("continue-on-error")).strip().lower() == "true",
        longest=_minutes(_text(job.get("timeout-minutes"))),
    )


def _minutes(text: str) -> float | None:
    """Return minutes in seconds, if they are a plain number that GitHub takes."""
    return float(text) * 60 if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text.strip()) else None


def _titles(name: str, job: Mapping[Any, Any]) -> Titles:
    """Return how GitHub lists a job: by its name or id, and with the values of its matrix."""
    title = _text(job.get("name")) or name
    strategy = job.get("strategy")
    matrix = strategy.get("matrix") if isinstance(strategy, dict) else None
    pieces = expressions.split(title)
    if any(is_expression for _, is_expression in pieces):
        # Where it was skipped, GitHub never came to evaluate it.
        return Titles(frozenset([title, *_expanded(pieces, matrix)]), (_literal_parts(pieces),))
    return Titles(frozenset([title]), ((f"{title} (", ")"),) if matrix else ())


def _literal_parts(pieces: Sequence[tuple[str, bool]]) -> tuple[str, ...]:
    parts = [""]
    for text, is_expression in pieces:
        if is_expression:
            parts.append("")
        else:
            parts[-1] += text
    return tuple(parts)


def _expanded(pieces: Sequence[tuple[str, bool]], matrix: Any) -> Iterator[str]:
    """Yield the names that a matrix with plain values gives, if they are not too many."""
    choices: list[list[str]] = []
    number = 1
    for text, is_expression in pieces:
        named = _MATRIX.fullmatch(text) if is_expression else None
        values = [text] if not is_expression else _values(matrix, named[1].split(".")) if named else []
        choices.append(values)
        number *= len(values)
        if not 0 < number <= _NAMES_MAX:
            return
    yield from map("".join, itertools.product(*choices))


def _values(matrix: Any, path: Sequence[str]) -> list[str]:
    """Return the plain values that a key of a matrix takes."""
    if not isinstance(matrix, dict):
        return []
    listed = matrix.get(path[0])
    places = [*(listed if isinstance(listed, list) else ())]
    include = matrix.get("include")
    places += [one[path[0]] for one in (include if isinstance(include, list) else ()) if _has(one, path[0])]
    for key in path[1:]:
        places = [one[key] for one in places if _has(one, key)]
    return list(dict.fromkeys(one for one in places[: 2 * _NAMES_MAX] if isinstance(one, str) and "${{" not in one))


def _has(value: Any, key: str) -> bool:
    return isinstance(value, dict) and key in value


def _concurrency(where: Any) -> Iterator[Concurrency]:
    value = where.get("concurrency") if isinstance(where, dict) else None
    if isinstance(value, str) and value:
        yield Concurrency(value, "false")
    elif isinstance(value, dict) and _text(value.get("group")):
        yield Concurrency(_text(value.get("group")), _text(value.get("cancel-in-progress")) or "false")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    found = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [one for one in found if isinstance(one, str) and one][:_JOBS_MAX]
