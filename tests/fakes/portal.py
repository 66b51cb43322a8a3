"""Something in front of a service, such as a login page: reads pass, writes are answered 200 with a page of its own."""

from http.server import BaseHTTPRequestHandler

import httpx

from tests.fakes.http_server import Quiet, Served

PAGE = b"<html><title>Log in</title></html>"
#: Headers that belong to one connection.
_OWN = frozenset({"host", "connection", "content-length", "transfer-encoding", "content-encoding", "accept-encoding"})


class Portal(Served):
    """Stands in front of the service at `behind`; `passes`: whether writes arrive there all the same."""

    def __init__(self, behind: str, *, passes: bool) -> None:
        self.writes = 0
        outer = self

        class Handler(Quiet):
            def _pass_on(self) -> httpx.Response:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
                return httpx.request(self.command, behind + self.path, headers=headers, content=body, trust_env=False)

            def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in _OWN:
                        self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                answer = self._pass_on()
                self._answer(answer.status_code, answer.headers.multi_items(), answer.content)

            def do_POST(self) -> None:
                outer.writes += 1
                if passes:
                    self._pass_on()
                else:
                    self.rfile.read(int(self.headers.get("content-length", 0)))
                self._answer(200, [("content-type", "text/html")], PAGE)

        handler: type[BaseHTTPRequestHandler] = Handler
        super().__init__(handler)
