"""The baseline for webhooks: an app under the same server that checks the signature, and does nothing else."""

import os
import socket
import time

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from triggerbot.systems.webhook_signatures import verify_standard

SECRET = os.environ["BENCH_SECRET"]


async def hook(request: Request) -> Response:
    """Check the signature and answer 202."""
    body = await request.body()
    verify_standard(dict(request.headers.items()), body, [SECRET], time.time())
    return Response("stored\n", 202, media_type="text/plain")


if __name__ == "__main__":
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(listening.getsockname()[1], flush=True)
    app = Starlette(routes=[Route("/hooks/{system}", hook, methods=["POST"])])
    uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")).run(sockets=[listening])
