"""The addresses of commits, pull requests and workflow runs at GitHub, as people open them; from that of its API."""

from urllib.parse import quote, urlsplit

from triggerbot.core.ways import Way

_API, _SERVER = "api.", "/api/v3"
#: GitHub's own domains, of which the API has a name of its own: github.com, and GHE.com for enterprises.
_OWN = (".ghe.com",)
NAME = "GitHub"


def web_of(api: str) -> str | None:
    """Return the address of the pages that belong to an API; `None` if it is none of those that GitHub documents."""
    parts = urlsplit(api.rstrip("/"))
    host = parts.netloc
    if parts.path == _SERVER:
        return f"{parts.scheme}://{host}"
    if not parts.path and host.startswith(_API) and (host == "api.github.com" or host.endswith(_OWN)):
        return f"{parts.scheme}://{host.removeprefix(_API)}"
    return None


def commit(web: str, project: str, revision: str) -> Way:
    """Return the way to a commit."""
    return Way(f"Commit {revision[:12]}", NAME, f"{web}/{quote(project)}/commit/{quote(revision)}")


def pull(web: str, project: str, number: int) -> Way:
    """Return the way to a pull request."""
    return Way(f"Pull request {number}", NAME, f"{web}/{quote(project)}/pull/{number}")


def workflow_run(web: str, project: str, run: str, source: str | None = None, attempt: int = 1) -> Way:
    """Return the way to a workflow run, or to one attempt of it; `source`: the path of its file."""
    name = run if source is None else source.rpartition("/")[2]
    again = f"/attempts/{attempt}" if attempt > 1 else ""
    words = f"Workflow run {name}" + (f", attempt {attempt}" if attempt > 1 else "")
    return Way(words, NAME, f"{web}/{quote(project)}/actions/runs/{quote(run, safe='')}{again}")
