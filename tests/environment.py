"""The environment of tests and of their processes: files in memory, and no certificates to read.

Nothing here needs a disk: a process that is killed leaves its files as they are, in memory as on a disk, and what a
power cut does to a disk is not simulated. A full and a read-only disk are file systems of their own (service/daemon).
"""

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
#: Bytes that must be free: pytest keeps some 200 MB of each of the last three runs.
_ENOUGH = 2 << 30


def use_memory() -> None:
    """Put temporary files into memory, where a commit waits for no disk, unless TMPDIR is set."""
    if "TMPDIR" not in os.environ and _fits():
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None


def _fits() -> bool:
    """Return whether the directory exists, is writable, is large enough, and can hold executables."""
    if not os.access(_MEMORY, os.W_OK | os.X_OK):
        return False
    return shutil.disk_usage(_MEMORY).free >= _ENOUGH and not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC


def trust_nobody() -> None:
    """Keep clients from loading the system's certificates: that takes 20 ms, and fakes speak plain HTTP.

    Tests of TLS name their own certificates.
    """
    os.environ.update(SSL_CERT_FILE="", SSL_CERT_DIR="/")
