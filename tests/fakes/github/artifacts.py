"""The artifacts of the fake GitHub's workflow runs, and the storage of others in which they are.

The API lists them and redirects to the storage, which knows nothing of GitHub's accounts: it takes the signature in the
address, for a minute, and refuses whoever shows credentials beside it.
"""

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.github.payloads import FakeRun, when
from tests.fakes.github.reruns import ApiError, Recorded

Answer = tuple[int, Any, dict[str, str]]
#: Seconds for which an address of the storage is good.
_GOOD = 60.0


@dataclass
class FakeArtifact:
    """An artifact of a workflow run."""

    id: int
    run: FakeRun
    name: str
    data: bytes
    created: float
    expired: bool = False


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """Zip files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


class FakeArtifacts:
    """The artifacts, and their storage."""

    def __init__(self, clock: Callable[[], float], new_id: Callable[[], int], runs: Mapping[int, FakeRun]) -> None:
        self._clock, self._new_id, self._runs = clock, new_id, runs
        #: The address of the storage.
        self.storage = ""
        self.listed: dict[int, FakeArtifact] = {}
        self._signed: dict[str, tuple[int, float]] = {}

    def upload(
        self, run_id: int, name: str, files: Mapping[str, str | bytes] | bytes, created: float | None = None
    ) -> FakeArtifact:
        """Upload an artifact, as a step of a job does."""
        data = files if isinstance(files, bytes) else zipped(files)
        made = FakeArtifact(
            self._new_id(), self._runs[run_id], name, data, self._clock() if created is None else created
        )
        self.listed[made.id] = made
        return made

    def of_run(self, repo: str, run_id: str) -> list[dict[str, Any]]:
        """List the artifacts of a run, the newest first."""
        own = [one for one in self.listed.values() if one.run.repo == repo and one.run.id == int(run_id)]
        return [self._payload(repo, one) for one in sorted(own, key=lambda one: (-one.created, -one.id))]

    def redirect(self, _request: Recorded, repo: str, number: str, form: str) -> Answer:
        """Tell where an artifact can be had."""
        one = self.listed.get(int(number))
        if one is None or one.run.repo != repo or form != "zip":
            raise ApiError(404, "Not Found")
        if one.expired:
            raise ApiError(410, "Artifact has expired")
        signature = f"canary-signature-{len(self._signed)}"
        self._signed[signature] = one.id, self._clock() + _GOOD
        return 302, "", {"location": f"{self.storage}/storage/{one.name}.zip?sig={signature}&se=1"}

    def fetch(self, request: Recorded) -> Answer:
        """Answer as the storage does."""
        number, good = self._signed.get(request.query.get("sig", ""), (0, 0.0))
        if "authorization" in request.headers or number not in self.listed or good < self._clock():
            return 403, b"<Error><Code>AuthenticationFailed</Code></Error>", {}
        return 200, self.listed[number].data, {}

    def _payload(self, repo: str, one: FakeArtifact) -> dict[str, Any]:
        address = f"https://api.github.com/repos/{repo}/actions/artifacts/{one.id}"
        return {
            "id": one.id,
            "node_id": f"MDg6QXJ0aWZhY3Q{one.id}",
            "name": one.name,
            "size_in_bytes": len(one.data),
            "url": address,
            "archive_download_url": f"{address}/zip",
            "expired": one.expired,
            "created_at": when(one.created),
            "expires_at": when(one.created + 90 * 86_400),
            "updated_at": when(one.created),
            "workflow_run": {
                "id": one.run.id,
                "repository_id": 1,
                "head_repository_id": 1,
                "head_branch": one.run.branch,
                "head_sha": one.run.sha,
            },
        }
