"""Writes deploy/requirements.txt: every dependency of the daemon with its version and the hashes of its wheels.

And .ci/requirements.txt, what its developers need, too, for the Python that CI runs (`.ci/setup` installs it).

    python deploy/lock.py            write it anew, from pyproject.toml and .ci/constraints.txt
    python deploy/lock.py --check    check that it still fits them (exit code 1 if not); needs no network

pip itself chooses, once for each platform, from the index that it is configured for, whose address is not written.
What builds this program's own wheel is in deploy/requirements-build.txt.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK, BUILD_LOCK = ROOT / "deploy" / "requirements.txt", ROOT / "deploy" / "requirements-build.txt"
DEV_LOCK = ROOT / ".ci" / "requirements.txt"
CONSTRAINTS = ROOT / ".ci" / "constraints.txt"
#: The images that can be built: Debian's and the official Python images, on both kinds of machines.
PYTHONS = ("3.11", "3.12", "3.13")
#: That of CI.
DEV_PYTHONS = ("3.11",)
#: manylinux_2_28 is glibc 2.28 or newer: Debian 10, Ubuntu 20.04.
MACHINES = ("x86_64", "aarch64")
GLIBCS = ("manylinux_2_28", "manylinux_2_17", "manylinux2014", "manylinux_2_12", "manylinux2010", "manylinux1")
#: What only older Pythons need: pip evaluates such conditions for the Python that it runs on.
MARKED = {"async-timeout": "python_full_version < '3.11.3'"}
HEAD = """\
# Made by deploy/lock.py; do not edit. {what}, for `pip install --require-hashes`.
# The hashes are those of the wheels for Linux (glibc) on x86_64 and aarch64, Python {pythons}.
"""


def wanted() -> list[str]:
    """Read the program's dependencies from pyproject.toml."""
    return [*_pyproject()["project"]["dependencies"], *MARKED]


def building() -> list[str]:
    """Read the dependencies that build the program's own wheel."""
    requirements: list[str] = _pyproject()["build-system"]["requires"]
    return requirements


def developing() -> list[str]:
    """Read what developers need: the dependencies, the tools, and what builds the wheel."""
    tools: list[str] = _pyproject()["project"]["optional-dependencies"]["dev"]
    return [*wanted(), *tools, *building()]


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def pinned() -> dict[str, str]:
    """Read the versions that the tests run with, by normalised names (PEP 503)."""
    lines = (line.partition("#")[0].strip() for line in CONSTRAINTS.read_text().splitlines())
    return {normal(line.split("==")[0]): line.split("==")[1] for line in lines if "==" in line}


def normal(name: str) -> str:
    """Normalise a name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def chosen(python: str, machine: str, what: Sequence[str]) -> list[dict[str, Any]]:
    """Let pip choose for one platform, without installing anything."""
    with tempfile.TemporaryDirectory() as place:
        report = Path(place) / "report.json"
        command = [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"),
            *("--report", str(report), "--target", place, "--only-binary=:all:", "--python-version", python),
            *(f"--platform={glibc}_{machine}" for glibc in GLIBCS),
            *("-c", str(CONSTRAINTS), *what),
        ]
        subprocess.run(command, check=True)  # noqa: S603 - pip, with what pyproject.toml says
        found: list[dict[str, Any]] = json.loads(report.read_text())["install"]
    return found


def lock(title: str, what: Sequence[str], pythons: Sequence[str] = PYTHONS) -> str:
    """Write one file."""
    versions: dict[str, str] = {}
    hashes: dict[str, set[str]] = {}
    for python in pythons:
        for machine in MACHINES:
            for one in chosen(python, machine, what):
                name = normal(one["metadata"]["name"])
                version = one["metadata"]["version"]
                if versions.setdefault(name, version) != version:
                    sys.exit(f"{name}: {versions[name]} and {version}; pin it in {CONSTRAINTS.relative_to(ROOT)}")
                hashes.setdefault(name, set()).add(one["download_info"]["archive_info"]["hashes"]["sha256"])
    entries = (
        f"{name}=={versions[name]}"
        + (f" ; {MARKED[name]}" if name in MARKED else "")
        + "".join(f" \\\n    --hash=sha256:{one}" for one in sorted(hashes[name]))
        for name in sorted(versions)
    )
    return HEAD.format(what=title, pythons=", ".join(pythons)) + "\n".join(entries) + "\n"


def misfits() -> Iterator[str]:
    """List where the files do not fit what the tests run with."""
    tested = pinned()
    for file, needed in ((LOCK, wanted()), (DEV_LOCK, developing())):
        entries = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", file.read_text(), re.MULTILINE))
        for line in needed:
            name = normal(re.split(r"[\[<>=~; ]", line)[0])
            if name not in entries and name not in MARKED:
                yield f"{file.relative_to(ROOT)}: {name} is missing"
        for name, version in entries.items():
            if name in tested and tested[name] != version:
                yield f"{file.relative_to(ROOT)}: {name} is {version}, but tested with {tested[name]}"


def main() -> int:
    """Write the file, or check it."""
    if sys.argv[1:] == ["--check"]:
        found = list(misfits())
        for one in found:
            sys.stderr.write(f"{one}; run: python deploy/lock.py\n")
        return 1 if found else 0
    LOCK.write_text(lock("Every dependency of the daemon", wanted()))
    BUILD_LOCK.write_text(lock("What builds the daemon's wheel", building()))
    DEV_LOCK.write_text(lock("What the daemon and its developers need", developing(), DEV_PYTHONS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
