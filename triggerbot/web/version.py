"""Which build of the program this is: Dockerflow's version.json, which the image and the installer write."""

import json
from collections.abc import Mapping
from pathlib import Path

from triggerbot import __version__

#: Names the file, if it is not where Dockerflow has it.
VARIABLE = "TRIGGERBOT_VERSION_FILE"
_PLACE = "/app/version.json"
#: Bytes; what is written there is far less.
_MOST = 65_536


def read(environ: Mapping[str, str]) -> dict[str, str]:
    """Read `source`, `version`, `commit` and `build`; without a file only the version is known."""
    told = {"source": "", "version": __version__, "commit": "", "build": ""}
    try:
        with Path(environ.get(VARIABLE) or _PLACE).open("rb") as file:
            written = json.loads(file.read(_MOST))
    except (OSError, ValueError):
        return told
    found = written if isinstance(written, dict) else {}
    return told | {str(name): str(value) for name, value in found.items() if value not in (None, "")}
