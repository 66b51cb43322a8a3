"""The JSON Schema and the loader agree, so that an editor shows what `check` would say."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.config.examples import DESIGN, EXAMPLES
from triggerbot.cli.config import PLUGINS, json_schema, load, loads
from triggerbot.config import Config
from triggerbot.config.section import Section
from triggerbot.core.errors import ConfigError


def fits(text: str) -> bool:
    """Return whether a text fits the schema."""
    return bool(jsonschema.Draft202012Validator(json_schema()).is_valid(yaml.safe_load(text)))


def sections(section: type[Section] = Section) -> list[type[Section]]:
    """List all sections of the file."""
    # Sections that are generated from the tables of plugins have no text of their own.
    written = [child for child in section.__subclasses__() if child.__module__ != "triggerbot.config.plugins"]
    return [one for child in written for one in (child, *sections(child))]


for kind in (*PLUGINS.systems.values(), *PLUGINS.reports.values()):
    kind.section()


def test_is_a_schema() -> None:
    """It is a JSON Schema of the draft that it names."""
    schema = json_schema()

    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_fit(path: Path) -> None:
    """The files in config/ fit, for both."""
    assert fits(path.read_text())
    assert load(path)


def test_design_fits() -> None:
    """The design's example fits, for both."""
    assert fits(DESIGN)
    assert loads(DESIGN)


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.__name__)
def test_every_key_is_described(section: type[Section]) -> None:
    """Every key has a description, and every section says what it is."""
    assert section.__doc__
    assert [name for name, field in section.model_fields.items() if not field.description] == []


def test_every_key_is_in_the_example() -> None:
    """The example of every key has every key."""
    (example,) = (path.read_text() for path in EXAMPLES if path.name == "triggerbot.example.yml")

    assert [name for one in sections() for name in one.model_fields if f"{name}:" not in example] == []


def _defaults(schema: Any) -> list[Any]:
    if isinstance(schema, dict):
        own = [schema] if "default" in schema and "description" in schema else []
        return own + [found for value in schema.values() for found in _defaults(value)]
    return [found for value in schema for found in _defaults(value)] if isinstance(schema, list) else []


def test_defaults_and_examples_fit() -> None:
    """Each default and each example of the schema fits the key that it is of."""
    schema = json_schema()
    described = _defaults(schema)

    assert len(described) > 30
    for one in described:
        validator = jsonschema.Draft202012Validator({**one, "$defs": schema["$defs"]})
        for value in [one["default"], *one.get("examples", [])]:
            assert validator.is_valid(value), (one, value)


BROKEN = [
    "rules: [{}]",
    "rules: [{projects: [a], retrys: 1}]",
    "rules: [{projects: [a], retries: '2'}]",
    "rules: [{projects: [a], retries: 21}]",
    "rules: [{projects: [a], retries: null}]",
    "rules: [{projects: [a], retries: {}}]",
    "rules: [{projects: [a], retries: {evidence: 5}}]",
    "rules: [{projects: [a], retries: {evidence: 0.0%}}]",
    "rules: [{projects: [a], retries: {evidence: 50.1%}}]",
    "rules: [{projects: [a], retries: {evidence: 5%, max: 0}}]",
    "rules: [{projects: [a], retries: {evidence: 5%, least: 1}}]",
    "rules: [{projects: [a], same_cause: null}]",
    "rules: [{projects: [a], calibration: 0%}]",
    "rules: [{projects: [a], branches: [main], expect: {every: 0}}]",
    "rules: [{projects: [a], branches: [main], expect: 26h}]",
    "rules: [{projects: [a], calibration: 0.5}]",
    "rules: [{projects: [a], calibration: 51%}]",
    "rules: [{projects: []}]",
    "rules: [{projects: a}]",
    "rules: [{projects: [a], results: [cancelled]}]",
    "rules: [{projects: [a], kinds: [tests]}]",
    "rules: [{projects: [a], requested: {groups: {A: [x]}}}]",
    "rules: [{projects: [a], budget: {percent: 101}}]",
    "rules: [{projects: [a], lookup: {delay: 90}}]",
    "rules: [{projects: [a], lookup: {delay: 90 s}}]",
    "retention: 0d",
    "listen: 8080",
    "store: state.db",
    "store: sqlite://state.db",
    "systems: {a b: {type: generic, url: 'http://a'}}",
    "systems: {a: {type: generic}}",
    "systems: {a: {type: jenkins}}",
    "systems: {a: {type: generic, url: 'http://u:p@a'}}",
    "systems: {a: {type: generic, url: 'http://a', token: hunter2}}",
    "systems: {a: {type: generic, url: 'http://a', token: null}}",
    "systems: {a: {type: generic, url: 'http://a', webhook_secret: []}}",
    "systems: {a: {type: generic, url: 'http://a', sweep: false, grace: off}}",
    "systems: {a: {type: github}}",
    "systems: {a: {type: github, app: null}}",
    "systems: {a: {type: github, token: env:A, app: {id: 1, key: env:B}}}",
    "systems: {a: {type: github, token: env:A, repositories: [x]}}",
    "intakes: [{}]",
    "intakes: [{poll: null}]",
    "intakes: [{poll: {system: a, every: 0s}}]",
    "dry_run: 1",
    "[]",
]


@pytest.mark.parametrize("text", BROKEN)
def test_broken_for_both(text: str) -> None:
    """Schema and loader reject the same configs."""
    assert not fits(text)
    with pytest.raises(ConfigError):
        loads(text)


RIGHT = [
    "listen: off",
    "listen: '[::1]:80'",
    "store: rediss://h/0",
    "store: redis://localhost/0",
    "{store: redis://h/0, store_insecure: true}",
    "store: sqlite:///var/state.db",
    "systems: {a: {type: generic, url: 'https://a.example/x/', sweep: off, grace: 0s, webhook_secret: file:a}}",
    "systems: {a: {type: github, app: {id: Iv1.abc, key: file:a b.pem}, forks: true, repositories: [a/b.c]}}",
    "rules: [{projects: [a], retries: {evidence: 50%}, same_cause: each}]",
    "rules: [{projects: [a], retries: {evidence: 0.5%, max: 1}, same_cause: first}]",
    "rules: [{projects: [a], branches: [main], expect: {every: 26h}}]",
    "rules: [{projects: [a], calibration: 0.5%}, {projects: [b], calibration: off}]",
    "rules: [{projects: [a], results: [], budget: {percent: 0.5}, exclude_jobs: []}]",
]


@pytest.mark.parametrize("text", RIGHT)
def test_right_for_both(text: str) -> None:
    """Schema and loader accept the same configs."""
    assert fits(text)
    assert loads(text)


def test_top_level_keys() -> None:
    """The schema has the keys of the design, in its order."""
    keys = [
        "dry_run",
        "store",
        "store_insecure",
        "listen",
        "systems",
        "intakes",
        "rules",
        "breaker",
        "caps",
        "page",
        "reports",
        "retention",
    ]

    assert list(json_schema()["properties"]) == keys == list(Config.model_fields)
