"""A CI that answers at once: it lists the one run of every push, and prints when a retrigger arrives."""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.bench.events import event


class Handler(BaseHTTPRequestHandler):
    """The part of the generic contract that the benchmark needs."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name is the parent's
        """Log nothing."""

    def _answer(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """List the run of a push."""
        push = int(self.path.rpartition("/")[2], 16)
        run = event(push, 0, "finished", "failure")
        self._answer({"author": run["author"], "message": run["message"], "time": None, "runs": [run]})

    def do_POST(self) -> None:
        """Accept a retrigger, and print when it arrived."""
        arrived = time.time()
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        print(json.dumps([int(body["revision"], 16), arrived]), flush=True)
        self._answer({})


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
