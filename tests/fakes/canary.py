"""Secrets that can be recognised, and the search for them in everything that a test leaves behind.

Every secret of a daemon in the tests begins with `canary-`, or is the base64 of such a text. After each test
its directory is searched (logs, stores, error files, and what `Daemon.end` kept of the pages), and so is what it
printed; see tests/conftest.py.
"""

from collections.abc import Iterator
from pathlib import Path

#: How a secret begins: plain, in base64, and a private key in PEM.
MARKS = (b"canary-", b"Y2FuYXJ5L", b"PRIVATE KEY-----")
#: Files that tests write themselves, for a daemon to read.
_GIVEN = (".pem", ".key", ".secret")


def found(data: bytes) -> list[str]:
    """Return the secrets found in the data, each with some context."""
    places = [at for mark in MARKS if (at := data.find(mark)) >= 0]
    return [data[max(0, at - 60) : at + 60].decode("utf-8", "replace") for at in places]


def search(directory: Path) -> Iterator[str]:
    """Search all files below a directory; list each that holds a secret, with the place."""
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_symlink() and not path.name.endswith(_GIVEN):
            yield from (f"{path.relative_to(directory)}: …{text}…" for text in found(path.read_bytes()))
