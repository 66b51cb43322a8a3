"""The container's HEALTHCHECK: exit code 0 if the daemon says that each of its parts works, and else what does not.

It asks 127.0.0.1:8080, or what `TRIGGERBOT_HEALTH` says where the config lets the daemon listen elsewhere.
"""

import http.client
import json
import os
import sys

#: Seconds; less than the check itself is given.
PATIENCE = 8.0


def main() -> int:
    """Ask, and tell in one line."""
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
