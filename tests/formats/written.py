"""Files for tests: in memory, by name."""

from triggerbot.formats import Contents, File, registry


def file(name: str, text: str | bytes) -> File:
    """Make a file with this content."""
    data = text.encode() if isinstance(text, str) else text
    return File(name, len(data), lambda most: data[:most])


def read(form: str = "auto", /, **texts: str | bytes) -> Contents:
    """Read files of these contents: in their names `__` stands for a dot, `___` for the end of a folder."""
    files = [file(name.replace("___", "/").replace("__", "."), text) for name, text in texts.items()]
    return registry.read(files, form)
