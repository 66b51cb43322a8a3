"""The configuration: one YAML file, read whole and checked whole before anything starts.

`load` reads the file into a `Config` or raises `ConfigError` with every mistake; `json_schema` describes the file
for editors. Secrets are only referred to; whoever needs one calls `Secret.read`.
"""

from triggerbot.config.load import load, loads, locate
from triggerbot.config.schema import json_schema
from triggerbot.config.secrets import Secret
from triggerbot.config.settings import (
    Config,
    FileConfig,
    IntakeConfig,
    PollConfig,
    PulseConfig,
)
from triggerbot.config.system_settings import (
    ClassifyConfig,
    GenericConfig,
    GitHubConfig,
    PushLogConfig,
    SystemConfig,
    TaskclusterConfig,
    TreeherderConfig,
)
from triggerbot.config.telling_settings import (
    CommandsConfig,
    GitHubReportConfig,
    PageConfig,
    ReportConfig,
    SlackReportConfig,
    WebhookReportConfig,
)

__all__ = [
    "ClassifyConfig",
    "CommandsConfig",
    "Config",
    "FileConfig",
    "GenericConfig",
    "GitHubConfig",
    "GitHubReportConfig",
    "IntakeConfig",
    "PageConfig",
    "PollConfig",
    "PulseConfig",
    "PushLogConfig",
    "ReportConfig",
    "Secret",
    "SlackReportConfig",
    "SystemConfig",
    "TaskclusterConfig",
    "TreeherderConfig",
    "WebhookReportConfig",
    "json_schema",
    "load",
    "loads",
    "locate",
]
