"""The command `triggerbot` for readers, run faster by the fork server (tests/fakes/fork_server.py).

`run` is the real program nevertheless, since it gets signals. `client.py` passes on arguments, environment and files.
"""

import sys
from pathlib import Path

from tests.fakes.fork_server import fork_server

_CLIENT = Path(__file__).with_name("client.py")
_SHIM = """\
#!/bin/sh
[ "$1" = run ] && exec "{python}" -m triggerbot "$@"
exec "{python}" -SE "{client}" "{address}" "$@"
"""


def write_program(directory: Path) -> Path:
    """Write the program that readers use into a directory; return its path."""
    program = directory / "triggerbot"
    program.write_text(_SHIM.format(python=sys.executable, client=_CLIENT, address=fork_server().address))
    program.chmod(0o755)
    return program
