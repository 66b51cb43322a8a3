"""The config, read with every kind of system and report that there is."""

from pathlib import Path
from typing import Any

from triggerbot import config
from triggerbot.config import Config, Plugins
from triggerbot.config.json_schema import json_schema as schema_of
from triggerbot.reports import registry as reports
from triggerbot.systems import registry as systems

PLUGINS = Plugins(systems.PLUGINS, reports.PLUGINS, systems.PLANNED)


def load(path: str | Path) -> Config:
    """Read a config file, or raise `ConfigError` with every mistake in it. Secrets are not read yet."""
    return config.load(path, PLUGINS)


def loads(text: str, source: str = "config") -> Config:
    """Read a config from text, as `load` does from a file; `source` names it in messages."""
    return config.loads(text, PLUGINS, source)


def json_schema() -> dict[str, Any]:
    """Make the JSON Schema (draft 2020-12) of the file."""
    return schema_of(PLUGINS)
