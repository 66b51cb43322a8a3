"""Who gives a command, as others read it."""

import getpass
import os
import socket


def who() -> str:
    """Return the user and the machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # In a container the user may have no name.
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"
