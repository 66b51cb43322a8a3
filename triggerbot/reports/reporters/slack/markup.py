"""Texts as Slack renders them, and the blocks that they stand in; purely.

All that comes from a CI stands in code spans with `&`, `<` and `>` escaped, in texts that are marked verbatim: there
Slack makes no links of its own, formats nothing, and an `@here` or `<!channel>` notifies nobody (its documentation on
formatting text, 2026).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

#: Characters of a section, Slack's limit.
SECTION_MAX = 3000
#: Characters of a name, and of a failure line: five times as many with all of them escaped.
NAME_MAX, LINE_MAX = 100, 200
#: Bytes of a link's URL.
_URL_MAX = 400
#: Characters that need no escaping in a URL; `|` and `>` would end it.
_URL_SAFE = "/:?#@!$&*+,;=%~-._()"


@dataclass(frozen=True, slots=True)
class Message:
    """A message: its blocks, and the text of its notification."""

    text: str
    blocks: tuple[Mapping[str, Any], ...]


def escape(text: str) -> str:
    """Escape a text (Slack's documentation: these three characters, and no others)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(text: str, most: int = NAME_MAX) -> str:
    """Return untrusted text as a code span on one line, cut to `most` characters."""
    shown = plain(text, most).replace("`", "'")
    return f"`{escape(shown)}`"


def plain(text: str, most: int) -> str:
    """Return untrusted text on one line, cut to `most` characters."""
    shown = "".join(char if char.isprintable() else " " for char in text[: 4 * most])
    shown = " ".join(shown.split()) or "?"
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def linked(label: str, url: str | None) -> str:
    """Link a text of ours to a URL of the web; any other URL is not linked."""
    if not url or not url.startswith(("https://", "http://")):
        return label
    address = escape(quote(url, safe=_URL_SAFE, errors="replace"))
    return f"<{address}|{label}>" if len(address) <= _URL_MAX else label


def section(text: str) -> Mapping[str, Any]:
    """Return a block with a text of at most `SECTION_MAX` characters."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def packed(lines: Iterable[str]) -> list[str]:
    """Join lines to the texts of as few sections as possible."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + len(line) < SECTION_MAX:
            texts[-1] += f"\n{line}"
        else:
            texts.append(line)
    return texts


def size(text: str) -> int:
    """Return the bytes of a line and its end."""
    return len(text.encode()) + 1
