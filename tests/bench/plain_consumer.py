"""The baseline for the intake: `python -m tests.bench.plain_consumer json|blocking URL QUEUE NUMBER [CI]`.

`json` decodes each message and acknowledges it, and does nothing; `blocking` asks the CI about each failure inside the
callback and posts a retrigger there, as the obvious bot does. Prints the messages a second.
"""

import sys
import time
from typing import Any

import httpx
from kombu import Connection, Consumer, Queue


def main() -> None:
    """Consume `number` messages."""
    kind, url, queue, number = sys.argv[1:5]
    done = 0
    client = httpx.Client()

    def nothing(body: Any, message: Any) -> None:
        nonlocal done
        message.ack()
        done += 1

    def blocking(body: Any, message: Any) -> None:
        if body["status"]["state"] == "failed":
            client.get(f"{sys.argv[5]}/look-back")
            client.post(f"{sys.argv[5]}/retrigger", json={})
        nothing(body, message)

    callback = nothing if kind == "json" else blocking
    with Connection(url) as connection:
        consumer = Consumer(connection, [Queue(queue)], callbacks=[callback], accept=["json"], prefetch_count=250)
        with consumer:
            began = time.perf_counter()
            while done < int(number):
                connection.drain_events(timeout=10)
            print(int(number) / (time.perf_counter() - began))


if __name__ == "__main__":
    main()
