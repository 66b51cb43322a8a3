"""A receiver of Standard Webhooks: checks signatures, and drops duplicates by their id."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.http_server import Quiet, Served
from triggerbot.systems.webhook_signatures import verify_standard


class Receiver(Served):
    """Listens at `url`; `known` holds what arrived, each once and in order."""

    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    def __init__(self, clock: Callable[[], float]) -> None:
        self.requests: list[tuple[str, Mapping[str, str], bytes]] = []
        self.known: dict[str, Any] = {}
        #: Answers to give instead, next first: status, headers, and whether it is accepted nevertheless; 0: no answer.
        self.faults: list[tuple[int, Mapping[str, str], bool]] = []
        #: The body of those answers; `{path}` is the path of the request.
        self.error = ""
        receiver = self

        class Handler(Quiet):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append((self.path, headers, body))
                status, more, taken = receiver.faults.pop(0) if receiver.faults else (204, {}, True)
                if taken:
                    if "webhook-signature" in headers:
                        verify_standard(headers, body, [receiver.secret], clock())
                    receiver.known.setdefault(headers["webhook-id"], json.loads(body))
                if status == 0:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                said = receiver.error.replace("{path}", self.path).encode() if status >= 400 else b""
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

        super().__init__(Handler)
        self.url = f"{self.origin}/hooks/triggerbot/?key=canary-key"

    @property
    def heard(self) -> list[Any]:
        """The data of what arrived, each once and in order."""
        return [one["data"] for one in self.known.values()]
