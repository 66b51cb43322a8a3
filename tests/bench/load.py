"""The load: signed webhooks over 32 connections that are kept open. Prints rate and latencies as JSON."""

import asyncio
import json
import os
import sys
import time

import uvloop

from tests.bench.events import JOBS, event
from triggerbot.systems.webhook_signatures import sign_standard

CONNECTIONS = 32
SECRET = os.environ["BENCH_SECRET"]


def requests(host: str, number: int, first: int) -> list[bytes]:
    """Build whole requests in advance, so that signing is not measured."""
    made = []
    now = int(time.time())
    for index in range(first, first + number):
        body = json.dumps(event(index // JOBS, index % JOBS, "finished", "success")).encode()
        message = f"msg_{index}"
        head = (
            f"POST /hooks/ci HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nwebhook-id: {message}\r\n"
            f"webhook-timestamp: {now}\r\nwebhook-signature: {sign_standard(message, now, body, SECRET)}\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


async def client(host: str, own: list[bytes], latencies: list[float]) -> None:
    """Send one request after another over one connection."""
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    for request in own:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 202 " not in head[:20]:
            raise SystemExit(f"unexpected answer: {head!r}")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        latencies.append(time.perf_counter() - began)
    writer.close()


async def run(host: str, number: int, first: int) -> dict[str, float]:
    """Load the server, and return rate and latencies."""
    made = requests(host, number, first)
    latencies: list[float] = []
    began = time.perf_counter()
    await asyncio.gather(*(client(host, made[start::CONNECTIONS], latencies) for start in range(CONNECTIONS)))
    taken = time.perf_counter() - began
    latencies.sort()
    return {
        "rate": number / taken,
        "p50": latencies[len(latencies) // 2] * 1000,
        "p99": latencies[int(len(latencies) * 0.99)] * 1000,
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
