"""Push options: what a developer asks for in a commit message, parsed in linear time.

The syntax is that of Mozilla's try server as the old trigger-bot read it (bug 1163698): the first line that contains
`try: `, and any line that starts with `triggerbot: `. Unlike there, `try: ` has to be a word of its own: `registry: `
and `retry: ` are what commits are about. The text is untrusted, so nothing here uses a backtracking regular expression.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

#: More digits than any sensible N has; a longer number means 'as many as allowed'.
_DIGITS_MAX = 9

#: Problems recorded per message.
_PROBLEMS_MAX = 10

#: The name that stands for `--rebuild N` (every test job) among the names of groups.
EVERY = "*"


@dataclass(frozen=True, slots=True)
class PushOptions:
    """The options in a push's message; `rebuild` maps a group name (or `*` for every job) to the wanted number."""

    rebuild: dict[str, int] = field(default_factory=dict)
    retry: bool = False
    no_retry: bool = False
    dontbuild: bool = False
    #: Options that make no sense, as texts to be reported on the push.
    problems: tuple[str, ...] = ()

    def wanted(self, groups: Collection[str]) -> int:
        """Return the number of further runs asked for a job in these groups; a group's own number precedes `*`."""
        own = [self.rebuild[group] for group in groups if group != EVERY and group in self.rebuild]
        if own:
            return max(own)
        return self.rebuild.get(EVERY, 0) if EVERY in groups else 0


def read(message: str | None, groups: Collection[str] = ()) -> PushOptions:
    """Parse a push's message; `groups` are the job groups that the config defines."""
    if not message:
        return PushOptions()
    rebuild: dict[str, int] = {}
    problems: list[str] = []
    retry = no_retry = False
    for line in _request_lines(message):
        words = list(_words(line))
        position = 0
        while position < len(words):
            option, equals, value = words[position].partition("=")
            position += 1
            if option == "--no-retry" and not equals:
                no_retry = True
            elif option == "--retry" and not equals:
                retry = True
            elif (group := _group(option, groups)) is not None:
                if not equals and position < len(words) and not words[position].startswith("--"):
                    value = words[position]
                    position += 1
                number = _number(value)
                if number is None:
                    if len(problems) < _PROBLEMS_MAX:
                        problems.append(_problem_text(option, value))
                else:
                    rebuild[group] = number
    return PushOptions(rebuild, retry, no_retry, "DONTBUILD" in message, tuple(problems))


def _request_lines(message: str) -> Iterator[str]:
    """Yield the parts of lines that may contain options; each search starts where the last one ended."""
    text = message.replace("\r\n", "\n").replace("\r", "\n")
    position = _find_word(text, "try: ")
    if position >= 0:
        start = text.rfind("\n", 0, position) + 1
        line = _unquoted(text[start : _line_end(text, position)])
        yield line[_find_word(line, "try: ") + len("try: ") :]
    marker = "triggerbot: "
    position = text.find(marker)
    while position >= 0:
        after = position + len(marker)
        if position == 0 or text[position - 1] == "\n":
            end = _line_end(text, after)
            yield text[after:end]
            after = end
        position = text.find(marker, after)


def _find_word(text: str, word: str) -> int:
    """Return where a word stands that no letter or digit precedes; -1 if nowhere."""
    position = text.find(word)
    while position > 0 and text[position - 1].isalnum():
        position = text.find(word, position + len(word))
    return position


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return end if end >= 0 else len(text)


def _unquoted(line: str) -> str:
    stripped = line.strip()
    if len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "\"'":
        return stripped[1:-1]
    return line


def _words(line: str) -> Iterator[str]:
    """Split at white space, but not inside `[...]`; an unclosed bracket is an ordinary character."""
    last_close = line.rfind("]")
    start, position = 0, 0
    while position < len(line):
        character = line[position]
        if character == "[" and position < last_close:
            position = line.index("]", position)
        elif character.isspace():
            if position > start:
                yield line[start:position]
            start = position + 1
        position += 1
    if start < len(line):
        yield line[start:]


def _group(option: str, groups: Collection[str]) -> str | None:
    if option == "--rebuild":
        return EVERY
    name = option.removeprefix("--rebuild-")
    return name if name != option and name in groups else None


def _number(text: str) -> int | None:
    """Parse a whole number above zero; a huge one only has to exceed every cap."""
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0")
    if not digits:
        return None
    return int(digits) if len(digits) <= _DIGITS_MAX else 10**_DIGITS_MAX


def _problem_text(option: str, value: str) -> str:
    shown = value if len(value) <= 40 else value[:40] + "…"
    return f"{option} wants a whole number from 1, not {shown!r}: ignored"
