"""Hostile actions of a push, which triggerbot runs: they make it fetch nothing, and do not stall it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerbot.core.model import Kind
from triggerbot.systems.taskcluster.actions import Hook, NewTask, Unfit, choose
from triggerbot.systems.taskcluster.tasks import Definition

TASK = Definition("G" * 22, "job", Kind.TEST, 1, None, None, {"retrigger": "true"}, ("try", "a" * 40), None)
#: A payload with names to be filled in, as in Gecko's actions.
PAYLOAD = {
    "decision": {"action": {"cb_name": "retrigger", "description": "a $ and {braces}"}, "push": {"owner": "me"}},
    "user": {"input": {"$eval": "input"}, "taskId": {"$eval": "taskId"}, "words": "task ${taskId} of ${ input.times }"},
}


def chosen(schema: Any = None, payload: Any = PAYLOAD, variables: Any = None, **more: Any) -> object:
    """Choose an action and fill it in."""
    action = {
        "name": "retrigger", "title": "Retrigger", "kind": "hook", "context": [{}], "hookGroupId": "g", "hookId": "h",
        "hookPayload": payload, **({} if schema is None else {"schema": schema}), **more,
    }  # fmt: skip
    actions = {"version": 1, "variables": {} if variables is None else variables, "actions": [action]}
    return choose(actions, "T" * 22, TASK, 3, "O" * 22)


def test_actions_as_real_projects_have_them() -> None:
    """Types, bounds and defaults; names to be filled in."""
    schema = {
        "type": "object", "additionalProperties": False, "required": ["times"],
        "properties": {
            "times": {"type": "integer", "default": 1, "minimum": 1, "maximum": 100, "title": "How often"},
            "downstream": {"type": "boolean", "description": "With what depends on it"},
        },
    }  # fmt: skip

    made = chosen(schema)

    assert isinstance(made, Hook)
    assert made.payload["user"] == {
        "input": {"times": 3, "downstream": False}, "taskId": "T" * 22, "words": f"task {'T' * 22} of 3",
    }  # fmt: skip
    assert isinstance(chosen(kind="task", task={"id": {"$eval": "ownTaskId"}}), NewTask)


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """Run a server inside the network; yield its address and the requests to it."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", paths
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("key", ["$ref", "$dynamicRef", "$recursiveRef", "$schema", "$id"])
def test_a_schema_has_nothing_fetched(asked: tuple[str, list[str]], key: str) -> None:
    """The library would read a schema from any address that a push names."""
    url, paths = asked

    for schema in ({key: url}, {"properties": {"times": {"allOf": [{key: f"{url}/inside"}]}}}):
        chosen(schema)

    assert paths == []


def doubling() -> dict[str, Any]:
    """Write a schema that is short, and takes 2 to the power of 60 steps."""
    defs = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n - 1}"}] * 2} for n in range(1, 60)}
    return {"$defs": {"a0": {}, **defs}, "$ref": "#/$defs/a59"}


@pytest.mark.parametrize(
    "schema",
    [
        {"propertyNames": {"pattern": "^(((((.*)*)*)*)*)*$"}},
        {"patternProperties": {"^((((.*)*)*)*)*$x": {}}},
        {"properties": {"times": {"anyOf": [{"pattern": "(a+)+$"}]}}},
        doubling(),
        {"allOf": [{}] * 100_000},
        {"description": "x" * 1_000_000},
    ],
)
def test_a_schema_that_could_stall_is_not_used(schema: Any) -> None:
    """It is refused, with the reason; were it used, the test would exceed its time limit."""
    made = chosen(schema)

    assert isinstance(made, Unfit)
    assert "its schema is not used: it " in made.why


@pytest.mark.parametrize(
    "payload",
    [
        {"$eval": "9**9**9"},
        {"a": [{"b": "${9**9**9}"}]},
        {"${9**9**9}": 1},
        {"$map": {"$eval": "range(0, 999999999)"}, "each(x)": 1},
        {"$let": {"a": "x"}, "in": {"$let": {"a": "${a}${a}"}, "in": "${a}"}},
        {"$eval": "input", "$let": {}},
        {"$reduce": [1], "initial": 1, "each(a,x)": 1},
        {"$eval": "join(range(0, 9999999), '')"},
        {"$eval": ["x"]},
        {"$fromNow": "1 day"},
        "${input",
        "${'a' + 'b'}",
        ["${taskId}"] * 1000,
        [{"$eval": "input"}] * 1000,
        [0] * 100_000,
        "x" * 1_000_000,
    ],
)
def test_a_template_that_computes_is_not_filled_in(payload: Any) -> None:
    """Only named values are filled in, in a hook's payload and in a task."""
    for made in (chosen(payload=payload), chosen(kind="task", task=payload)):
        assert isinstance(made, Unfit)
        assert "is not filled in: it " in made.why


def test_variables_that_are_too_large() -> None:
    """They could be filled in many times."""
    assert isinstance(chosen(variables={"a": "x" * 1_000_000}), Unfit)


def test_what_is_nested_deeply_is_refused() -> None:
    """No other exception is raised."""
    deep: Any = {}
    for _ in range(5000):
        deep = {"a": [deep]}

    assert isinstance(chosen(schema=deep), Hook | Unfit)
    assert isinstance(chosen(payload=deep), Unfit)


@pytest.mark.parametrize("name", ["", ".", "..", None, 5, []])
def test_a_hook_whose_name_would_change_the_address(name: Any) -> None:
    """Such a name is refused."""
    assert isinstance(chosen(hookId=name), Unfit)
    assert isinstance(chosen(hookGroupId=name), Unfit)


KEYS = st.sampled_from(["$eval", "$let", "type", "properties", "allOf", "$$x", "a", "${b}"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["${a}", "$eval", "x", "integer"])
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@given(JSON, JSON, JSON)
def test_whatever_a_push_writes_is_used_or_refused(schema: Any, payload: Any, variables: Any) -> None:
    """No other exception is raised."""
    assert isinstance(chosen(schema, payload, variables), Hook | Unfit)
