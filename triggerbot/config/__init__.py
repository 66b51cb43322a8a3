"""The configuration: one YAML file, read whole and checked whole before anything starts.

`load` reads the file into a `Config` or raises `ConfigError` with every mistake; `json_schema.json_schema` describes
the file for editors. Both are given the systems and reports that there are (`Plugins`); `triggerbot.cli.config` has the
two with all of ours. Secrets are only referred to: `Secret.read` reads one.
"""

from triggerbot.config.intakes import FileSettings, IntakeSettings, PollSettings, PulseSettings
from triggerbot.config.load import load, loads, locate
from triggerbot.config.plugins import Plugin, Plugins
from triggerbot.config.schema import Config, PageSettings
from triggerbot.config.secrets import Secret
from triggerbot.config.section import CommentSettings, ReportSettings, SystemSettings

__all__ = [
    "CommentSettings",
    "Config",
    "FileSettings",
    "IntakeSettings",
    "PageSettings",
    "Plugin",
    "Plugins",
    "PollSettings",
    "PulseSettings",
    "ReportSettings",
    "Secret",
    "SystemSettings",
    "load",
    "loads",
    "locate",
]
