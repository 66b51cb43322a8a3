"""The version file of Dockerflow."""

from pathlib import Path

import pytest

from triggerbot import __version__
from triggerbot.web import api

UNKNOWN = {"source": "", "version": __version__, "commit": "", "build": ""}


def test_the_file_names_the_build(tmp_path: Path) -> None:
    """Missing keys have their defaults."""
    path = tmp_path / "version.json"
    path.write_text('{"source": "https://git.example.org/triggerbot", "commit": "cafe1234", "build": 7, "version": ""}')

    version = api.read_version({api.VERSION_FILE: str(path)})

    assert version == UNKNOWN | {"source": "https://git.example.org/triggerbot", "commit": "cafe1234", "build": "7"}


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b'"text"', b"null"])
def test_a_useless_file(tmp_path: Path, content: bytes) -> None:
    """Only the version of the program is known then."""
    path = tmp_path / "version.json"
    path.write_bytes(content)
    assert api.read_version({api.VERSION_FILE: str(path)}) == UNKNOWN


def test_no_file(tmp_path: Path) -> None:
    """A checkout has none."""
    assert api.read_version({api.VERSION_FILE: str(tmp_path / "gone")}) == UNKNOWN
    assert api.read_version({api.VERSION_FILE: str(tmp_path)}) == UNKNOWN
