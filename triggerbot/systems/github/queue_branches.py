"""The branches that GitHub's merge queue makes: `gh-readonly-queue/<base>/pr-<number>-<commit>`."""

import re

_ENTRY = re.compile(r"gh-readonly-queue/.+/pr-(\d{1,18})-[0-9a-f]{40,64}")


def pull_of(branch: str) -> int | None:
    """Return the pull request of a merge queue's branch; `None` if it is none."""
    match = _ENTRY.fullmatch(branch)
    return int(match.group(1)) if match else None
