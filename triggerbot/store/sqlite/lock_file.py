"""The files beside a store that serialise writers, and that keep a second daemon out."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO


def open_lock(path: Path, store: Path) -> IO[bytes]:
    """Open a lock file, which has the mode of the store; create it. Raises `OSError`.

    Whoever may open it could hold the lock, and so the daemon, for ever: an earlier version let everybody read it.
    """
    mode = stat.S_IMODE(store.stat().st_mode) & 0o666
    number = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    with suppress(OSError):  # it belongs to somebody else, who chose its mode
        os.fchmod(number, mode)
    return os.fdopen(number, "r+b")
