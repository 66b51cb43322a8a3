"""The environment of tests and of what they start: files in memory, and no certificates to read.

Nothing here needs a disk: a process that is killed leaves its files as they are, in memory as on a disk, and what a
power cut does to a disk is not simulated. A full and a read-only disk are file systems of their own (service/daemon).
"""

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
#: Bytes that there have to be: a run leaves some 200 MB behind, for people to look at, of each of the last three runs.
_ENOUGH = 2 << 30


def use_memory() -> None:
    """Let temporary files be in memory, where a commit waits for no disk, unless TMPDIR says where they go."""
    if "TMPDIR" not in os.environ and _fits():
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None


def _fits() -> bool:
    """Return whether it is there, writable, large enough, and takes programs that tests write."""
    if not os.access(_MEMORY, os.W_OK | os.X_OK):
        return False
    return shutil.disk_usage(_MEMORY).free >= _ENOUGH and not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC


def trust_nobody() -> None:
    """Let no client read the certificates that the world trusts: that takes 20 ms, and fakes speak plain HTTP.

    What is about TLS names its own certificates.
    """
    os.environ.update(SSL_CERT_FILE="", SSL_CERT_DIR="/")
