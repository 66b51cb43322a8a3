"""Fixture: the service, installed into a directory of the test."""

from pathlib import Path

import pytest

from tests.service.deploy.installed import Installed


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    """Install the service."""
    made = Installed(tmp_path)
    made.run("install.sh")
    return made
