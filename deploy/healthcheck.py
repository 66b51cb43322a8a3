"""The container's HEALTHCHECK: exit code 0 if every part of the daemon works; else print what does not.

It asks 127.0.0.1:8080, or the address in `TRIGGERBOT_HEALTH` if the config lets the daemon listen elsewhere.
"""

import http.client
import json
import os
import sys

#: Seconds; less than the timeout of the check itself.
PATIENCE = 8.0


def main() -> int:
    """Ask the daemon, and print the answer as one line."""
    address = os.environ.get("TRIGGERBOT_HEALTH", "127.0.0.1:8080")
    try:
        connection = http.client.HTTPConnection(address, timeout=PATIENCE)
        connection.request("GET", "/__heartbeat__")
        answer = connection.getresponse()
        health = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        sys.stdout.write(f"no answer at {address}: {error}\n")
        return 1
    sys.stdout.write(f"{health.get('status')}: {json.dumps(health.get('wrong'))}\n")
    return 0 if answer.status == http.HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())
