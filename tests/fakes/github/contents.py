"""The files that the fake GitHub serves at commits, by "Get repository content"; part of `FakeApi`."""

import base64
import hashlib
from typing import Any

from tests.fakes.github.reruns import ApiError, Recorded


class FakeContents:
    """Files, the same at every commit unless told otherwise. Their ETags are those of their contents."""

    def __init__(self) -> None:
        #: By repository, path and commit, or the empty string for all commits.
        self.url = ""
        self.files: dict[tuple[str, str, str], bytes] = {}

    def write(self, repo: str, path: str, text: str | bytes, sha: str = "") -> None:
        """Put a file into a commit, or into all that have no other."""
        self.files[repo, path, sha] = text.encode() if isinstance(text, str) else text

    def get(self, request: Recorded, repo: str, path: str) -> tuple[int, Any, dict[str, str]]:
        """Answer with a file, or the files of a folder."""
        ref = request.query.get("ref", "")
        content = self.files.get((repo, path, ref), self.files.get((repo, path, "")))
        if content is None:
            listed = {place for place in self.files if place[0] == repo and place[1].startswith(f"{path}/")}
            if listed:
                return 200, [self._entry(repo, name, self.files[repo, name, at]) for _, name, at in sorted(listed)], {}
            raise ApiError(404, "Not Found")
        large = len(content) > 1_000_000
        return (
            200,
            {
                **self._entry(repo, path, content),
                "content": "" if large else base64.encodebytes(content).decode(),
                "encoding": "none" if large else "base64",
            },
            {"etag": f'W/"{blob(content)}"'},
        )

    def _entry(self, repo: str, path: str, content: bytes) -> dict[str, Any]:
        here = f"{self.url}/repos/{repo}/contents/{path}"
        return {
            "type": "file", "size": len(content), "name": path.rpartition("/")[2], "path": path, "sha": blob(content),
            "url": here, "git_url": here, "html_url": here, "download_url": here,
            "_links": {"self": here, "git": here, "html": here},
        }  # fmt: skip


def blob(content: bytes) -> str:
    """Name a content as Git does."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
