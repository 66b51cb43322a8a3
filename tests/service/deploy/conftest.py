"""The service as it is installed, in a directory of the test's own."""

from pathlib import Path

import pytest

from tests.service.deploy.installed import Installed


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    """Install it."""
    made = Installed(tmp_path)
    made.run("install.sh")
    return made
