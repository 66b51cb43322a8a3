"""For any input, the loader returns a config or raises its mistakes; never another exception."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.config.examples import DESIGN, EXAMPLES
from tests.examples import examples
from triggerbot.cli.config import loads
from triggerbot.config import Config
from triggerbot.core.errors import ConfigError

#: The examples as values, to be changed.
TEXTS = [DESIGN, *(path.read_text() for path in EXAMPLES)]
VALUES = [yaml.safe_load(text) for text in TEXTS]


def outcome(text: str) -> Config | ConfigError:
    """Load a text; any exception but `ConfigError` fails the test."""
    try:
        return loads(text, "x.yml")
    except ConfigError as error:
        found = error
    assert found.problems
    # What is printed must be printable, whatever the file contains.
    assert all(problem.message.isprintable() and problem.path.isprintable() for problem in found.problems)
    return found


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every value but the top."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield (*place, key)
        yield from places(below, (*place, key))


WORDS = st.sampled_from(
    ["", "x", "env:A", "60s", "off", "*", "a/b", "http://a", "github", "generic", "ci", "2", "[::1]:1"]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), WORDS, st.dates(), st.binary(max_size=3)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.integers(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=examples(300), deadline=None)
@given(st.text())
@example('"\\UFFFFFFFF"')
@example("? ")
@example("%TAG ! x:\n--- !a b")
@example("\ufeff")
def test_any_text(text: str) -> None:
    """Any text at all is a config or a list of mistakes."""
    outcome(text)


@settings(max_examples=examples(300), deadline=None)
@given(st.text(alphabet="[]{}:,-?*&!|>'\"%@#\n\t ab0.~<=\\U", max_size=60))
def test_any_punctuation(text: str) -> None:
    """No punctuation of YAML breaks it."""
    outcome(text)
    outcome(f"rules:\n  - projects: {text}")


@settings(max_examples=examples(200), deadline=None)
@given(st.sampled_from(TEXTS), st.data())
def test_text_is_cut_and_patched(text: str, data: st.DataObject) -> None:
    """An example from which a piece was cut, or into which something was typed, gives no traceback."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 30)))
    outcome(text[:start] + data.draw(st.text(max_size=5)) + text[end:])


@settings(max_examples=examples(300), deadline=None)
@given(st.sampled_from(VALUES), st.data())
def test_any_value_is_replaced(value: Any, data: st.DataObject) -> None:
    """An example with anything in the place of any of its values gives no traceback."""
    changed = copy.deepcopy(value)
    *above, last = data.draw(st.sampled_from(list(places(changed))))
    parent = changed
    for key in above:
        parent = parent[key]
    parent[last] = data.draw(ANYTHING)
    outcome(yaml.safe_dump(changed, allow_unicode=True))


@pytest.mark.slow
def test_every_key_is_dropped_renamed_and_retyped() -> None:
    """Each key of each example is dropped, renamed and given some other types, by turns all; renaming is noticed."""
    types = (None, True, 7, 1.5, "x", [], {}, [1], {"x": 1})
    for value in VALUES:
        for number, (*above, last) in enumerate(places(value)):
            for change in ("drop", "rename", types[number % 9]):
                changed = copy.deepcopy(value)
                parent = changed
                for key in above:
                    parent = parent[key]
                old = parent.pop(last)
                if change == "rename" and isinstance(parent, dict):
                    parent[f"{last}x"] = old
                elif change not in ("drop", "rename"):
                    parent.insert(last, change) if isinstance(parent, list) else parent.update({last: change})
                came = outcome(yaml.safe_dump(changed))
                named_freely = above in (["systems"], ["rules", 0, "requested", "groups"])
                if change == "rename" and isinstance(parent, dict) and not named_freely:
                    assert isinstance(came, ConfigError)


@settings(max_examples=examples(100), deadline=None)
@given(st.text(min_size=1, max_size=30).filter(lambda text: text.isprintable()))
def test_patterns_survive(pattern: str) -> None:
    """Any printable pattern, properly quoted, arrives as it was written, and matches itself."""
    (rule,) = loads(yaml.safe_dump({"rules": [{"projects": [pattern]}]}, allow_unicode=True, default_style='"')).rules

    assert rule.projects.patterns == (pattern,)
    assert rule.projects.match(pattern)
