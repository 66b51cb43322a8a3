"""The formats: one line each; and reading files of any of them."""

from collections import defaultdict
from collections.abc import Iterable

from triggerbot.formats import FILE_MAX, Contents, File, Format, Problem, total
from triggerbot.formats.junit import JUNIT
from triggerbot.formats.pytest_folder import PYTEST
from triggerbot.formats.torchelastic import TORCHELASTIC

#: In the order in which a file is tried.
FORMATS: tuple[Format, ...] = (PYTEST, JUNIT, TORCHELASTIC)
AUTO = "auto"
#: Bytes by which a file is recognised.
_HEAD = 4096
_ZIP = b"PK\x03\x04"


def read(files: Iterable[File], name: str = AUTO, given: Iterable[str] = ()) -> Contents:
    """Read the files of one run, those that are of a known format, or of the one that is named.

    Files in `given`, by their names, are meant: they are read as what is named, and are a problem if they are of no
    known format. Others are left alone.
    """
    meant = frozenset(given)
    by_format: dict[str, list[File]] = defaultdict(list)
    problems: list[Problem] = []
    for file in files:
        form = _format_of(file, name, meant=file.name in meant)
        if isinstance(form, Problem):
            problems.append(form)
        elif form is not None:
            by_format[form.name].append(file)
    parts = [form.read(by_format[form.name]) for form in FORMATS if form.name in by_format]
    return total([Contents(problems=tuple(problems)), *parts])


def _format_of(file: File, name: str, *, meant: bool) -> Format | Problem | None:
    tried = [form for form in FORMATS if name in (form.name, AUTO)]
    if name != AUTO and (meant or file.base.endswith(tried[0].endings)):
        return tried[0]
    try:
        # Of what is meant the end may tell.
        head = file.read(FILE_MAX if meant else _HEAD)
    except OSError as error:
        return Problem(file.name, 0, f"cannot be read: {error.strerror or error}")
    known = next((form for form in tried if form.knows(file, head)), None)
    if known is None and meant:
        found = ", found a zip archive: unpack it first" if head.startswith(_ZIP) else ""
        return Problem(file.name, 1, f"expected {' or '.join(form.describes for form in tried)}{found}")
    return known
