"""A command of a reader: has it done by the template (see `program.py`), and ends as it ended."""

import json
import os
import socket
import sys

if __name__ == "__main__":
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(sys.argv[1])
        order = {"arguments": sys.argv[2:], "directory": os.environ["PWD"], "environment": dict(os.environ)}
        socket.send_fds(link, [b" "], [0, 1, 2])
        link.sendall(json.dumps(order).encode() + b"\n")
        sys.exit(int(link.recv(16) or b"70"))
