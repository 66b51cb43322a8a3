"""Shell-style patterns (`*`, `?`, `[...]`) for names, compiled once; of `owner/repository` case is ignored."""

import fnmatch
import re
from collections.abc import Iterable


def is_literal(pattern: str) -> bool:
    """Return whether a pattern is just a name."""
    return not any(character in pattern for character in "*?[")


class Globs:
    """A list of patterns; a text matches if any of them matches.

    The text may be hostile: `fnmatch.translate` emits atomic groups (CPython 3.11 and newer), so matching does not
    backtrack exponentially.
    """

    __slots__ = ("_any_case", "_everything", "_regexes", "patterns")

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns = tuple(patterns)
        self._everything = "*" in self.patterns
        #: Compiled when first needed; two threads may do so at once, and come to the same.
        self._regexes: tuple[re.Pattern[str], ...] | None = None
        self._any_case: Globs | None = None

    def match(self, text: str) -> bool:
        """Whether any pattern matches the whole text, or equals it (so that `dependabot[bot]` matches itself)."""
        if self._everything or not self.patterns:
            return self._everything
        if text in self.patterns:
            return True
        if self._regexes is None:
            self._regexes = tuple(re.compile(fnmatch.translate(pattern)) for pattern in self.patterns)
        return any(regex.match(text) for regex in self._regexes)

    def match_any(self, texts: Iterable[str]) -> bool:
        """Whether any pattern matches any of the texts."""
        if self._everything or not self.patterns:
            return self._everything
        return any(map(self.match, texts))

    def match_project(self, project: str) -> bool:
        """Whether any pattern matches a project: `Octo/App` is `octo/app`, as it is where code is kept."""
        if "/" not in project:
            return self.match(project)
        if self._any_case is None:
            self._any_case = Globs(pattern.lower() for pattern in self.patterns)
        return self._any_case.match(project.lower())

    def __repr__(self) -> str:
        """Return the patterns, for debugging."""
        return f"Globs({list(self.patterns)!r})"

    def __eq__(self, other: object) -> bool:
        """Compare by the patterns."""
        return isinstance(other, Globs) and self.patterns == other.patterns

    def __hash__(self) -> int:
        """Hash by the patterns."""
        return hash(self.patterns)
