"""The fake GitHub's GraphQL: it knows the shapes of our own queries, and refuses all others as it does a bad one."""

import re
from collections.abc import Mapping
from typing import Any, Protocol


class Talk(Protocol):
    """What there is to be asked about."""

    def annotations_of(self, node_id: str) -> list[dict[str, Any]] | None:
        """Return the annotations of a check run; `None` if there is none of that name."""


class Queue(Protocol):
    """The merge queue."""

    def state(self, repo: str, number: int) -> dict[str, Any] | None:
        """Write a pull request with its place in the queue; `None` if there is none."""

    def put_back(self, node_id: str, head: str | None) -> str:
        """Put a pull request in, or say why not in words."""


_ANNOTATIONS = re.compile(
    r"query\(\$ids: \[ID!\]!\) \{ nodes\(ids: \$ids\) \{ \.\.\. on CheckRun \{ annotations\(first: (\d+)\) \{ "
    r"nodes \{ path annotationLevel title message location \{ start \{ line \} \} \} \} \} \} \}"
)
_STATE = (
    "query($owner: String!, $name: String!, $number: Int!) { repository(owner: $owner, name: $name) { "
    "pullRequest(number: $number) { id state headRefOid mergeQueueEntry { id } } } }"
)
_ENQUEUE = "mutation($input: EnqueuePullRequestInput!) { enqueuePullRequest(input: $input) { mergeQueueEntry { id } } }"
#: Nodes that one query may name.
_NODES_MAX = 100


def is_query(body: Any) -> bool:
    """Return whether a request only reads."""
    return isinstance(body, dict) and str(body.get("query", "")).strip().startswith("query")


def answer(body: Any, talk: Talk, queue: Queue, granted: Mapping[str, str], by: str) -> dict[str, Any]:
    """Answer a query by its shape; `granted`: what the account may do."""
    text, variables = " ".join(body["query"].split()), body.get("variables", {})
    if (match := _ANNOTATIONS.fullmatch(text)) and "ids" in variables:
        return _annotations(variables["ids"], int(match.group(1)), talk, granted, by)
    if text == _STATE:
        return _state(variables, queue, granted, by)
    if text == _ENQUEUE:
        return _enqueue(variables, queue, granted, by)
    return refusal("Parse error or unknown field", "undefinedField", None)


def refusal(message: str, kind: str, data: Any) -> dict[str, Any]:
    """Write an error."""
    return {"data": data, "errors": [{"type": kind, "message": message}]}


def _annotations(ids: list[str], first: int, talk: Talk, granted: Mapping[str, str], by: str) -> dict[str, Any]:
    if len(ids) > _NODES_MAX or first > 100:
        return refusal("You may not provide more than 100 node ids", "ARGUMENT_LIMIT", None)
    if granted.get("checks") not in ("read", "write"):
        return refusal(f"Resource not accessible by {by}", "FORBIDDEN", {"nodes": [None] * len(ids)})
    nodes = [talk.annotations_of(node_id) for node_id in ids]
    errors = [
        {"type": "NOT_FOUND", "path": ["nodes", place], "message": f"Could not resolve to a node with '{ids[place]}'"}
        for place, node in enumerate(nodes)
        if node is None
    ]
    data = {"nodes": [None if node is None else {"annotations": {"nodes": node[:first]}} for node in nodes]}
    return {"data": data, **({"errors": errors} if errors else {})}


def _state(variables: Mapping[str, Any], queue: Queue, granted: Mapping[str, str], by: str) -> dict[str, Any]:
    if granted.get("pull_requests") not in ("read", "write"):
        return refusal(f"Resource not accessible by {by}", "FORBIDDEN", {"repository": None})
    found = queue.state(f"{variables['owner']}/{variables['name']}", variables["number"])
    if found is None:
        return refusal("Could not resolve to a PullRequest", "NOT_FOUND", {"repository": {"pullRequest": None}})
    return {"data": {"repository": {"pullRequest": found}}}


def _enqueue(variables: Mapping[str, Any], queue: Queue, granted: Mapping[str, str], by: str) -> dict[str, Any]:
    empty = {"enqueuePullRequest": None}
    if granted.get("pull_requests") != "write" or granted.get("contents") != "write":
        return refusal(f"Resource not accessible by {by}", "FORBIDDEN", empty)
    asked = variables["input"]
    why = queue.put_back(asked["pullRequestId"], asked.get("expectedHeadOid"))
    return refusal(why, "UNPROCESSABLE", empty) if why else {"data": {"enqueuePullRequest": {"mergeQueueEntry": {}}}}
