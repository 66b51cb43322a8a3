"""Shared by the tests of deploy/: its path, its tools, and an installation into a directory."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import ROOT

DEPLOY = ROOT / "deploy"

#: Stands in for Python: it makes environments whose programs do nothing, and records the calls of pip.
_PYTHON = """#!/bin/bash
case "$*" in
    "-m venv "*) mkdir -p "${@: -1}/bin"; cp "$0" "${@: -1}/bin/python" ;;
    "-m pip "*) echo "$*" >> "$PIP_CALLS" ;;&
    "-m pip wheel "*) mkdir -p "${@: -2:1}"; : > "${@: -2:1}/triggerbot-0-py3-none-any.whl" ;;
    "-m triggerbot --version") echo "triggerbot, version 0" ;;
    "-c import json"*) echo '{}' ;;
esac
"""


def missing(what: str) -> None:
    """Skip the test because a tool is missing; fail where nothing may be skipped."""
    if os.environ.get("TRIGGERBOT_STRICT") == "1":
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


def tool(name: str) -> str:
    """Find a program."""
    found = shutil.which(name)
    if found is None:
        missing(name)
    return str(found)


class Installed:
    """Runs the scripts of deploy/ so that they change nothing but one directory."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "root"
        self.pip_calls = directory / "pip-calls"
        python = directory / "python"
        python.write_text(_PYTHON)
        python.chmod(0o755)
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "PIP_CALLS": str(self.pip_calls),
            "DESTDIR": str(self.root),
            "PYTHON": str(python),
        }

    def run(self, script: str, *arguments: str) -> str:
        """Run one of the scripts; return its output."""
        done = subprocess.run(
            [str(DEPLOY / script), *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def modes(self) -> dict[str, int]:
        """Return the installed files, with their modes."""
        return {
            str(path.relative_to(self.root)): path.stat().st_mode & 0o777
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }
