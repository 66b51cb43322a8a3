"""Whether a push changes the files that failure lines name. Pure.

Paths are compared as far as both go: of five repositories, 15 to 49 % of the files share their name with another.
"""

import re
from collections.abc import Collection, Iterable

#: Minimum length of a file's name: shorter ones occur in many unrelated lines.
_NAME_MIN = 6
#: Paths in the form that most have, with slashes in either direction, and words that may be files' names.
_PATHS = re.compile(r"(?:\b[A-Za-z]:)?[\w+@./\\-]+")
_UNUSUAL = re.compile(r"[^\w+@./-]")
#: Characters of a path that may stand before a name with unusual characters.
_BEFORE = re.compile(r"[^\w+@./\\-]")
Path = tuple[str, ...]


def touched(files: Collection[str], lines: Iterable[str]) -> bool:
    """Whether failure lines name one of the files that a push changes, or a file in the folder of one."""
    text = "\n".join(lines)
    if not files or not text:
        return False
    changed: dict[str, list[Path]] = {}
    folders: dict[str, set[Path]] = {}
    for file in files:
        path = _parts(file)
        if len(path[-1]) >= _NAME_MIN:
            changed.setdefault(path[-1], []).append(path)
        if len(path) > 1:
            folders.setdefault(path[-2], set()).add(path[:-1])
    words = (found for found in _PATHS.findall(text) if "/" in found or "\\" in found or "." in found.strip("."))
    for named in {(_parts(found), _is_absolute(found)) for found in words}:
        path, absolute = named
        if any(_fits(path, file, absolute=absolute) for file in changed.get(path[-1], ())):
            return True
        # A folder has to be named by more than its own name: `src` is many folders.
        if len(path) > 2 and "." in path[-1].lstrip("."):
            folder = path[:-1]
            if any(_fits(folder, other, absolute=absolute) for other in folders.get(folder[-1], ())):
                return True
    return any(_names_unusual(text, name, paths) for name, paths in changed.items() if _UNUSUAL.search(name))


def _names_unusual(text: str, name: str, paths: Iterable[Path]) -> bool:
    """Whether a text has a name that `_PATHS` does not find, such as one with spaces, in one of these folders."""
    at = text.find(name)
    while at >= 0:
        # Backwards: each character is looked at once.
        earlier = text[max(0, at - 300) : at][::-1]
        end = _BEFORE.search(earlier)
        before = earlier[: end.start() if end else None][::-1]
        named = _parts(before + name) if before[-1:] in ("/", "\\") else (name,)
        if any(_fits(named, path, absolute=_is_absolute(before)) for path in paths):
            return True
        at = text.find(name, at + 1)
    return False


def _fits(named: Path, file: Path, *, absolute: bool) -> bool:
    """Whether a path in a line may be this file: one ends with the other.

    The line may leave out folders at the beginning. It may have more of them only where it is absolute, and then the
    file has to have a folder of its own: `setup.py` is in every installed package.
    """
    if len(named) <= len(file):
        return file[-len(named) :] == named
    return absolute and len(file) > 1 and named[-len(file) :] == file


def _parts(path: str) -> Path:
    parts = tuple(part for part in path.replace("\\", "/").split("/") if part not in ("", "."))
    # A sentence may end after it.
    return (*parts[:-1], parts[-1].rstrip(".")) if parts else ("",)


def _is_absolute(path: str) -> bool:
    return path[:1] in ("/", "\\") or path[1:2] == ":"
