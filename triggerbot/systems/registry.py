"""Every kind of system that there is, and from a config to the systems themselves.

A system is its package (`settings.py` with its section of the config, `system.py` with a function `build`) and one line
here. Only those that a config names are imported: some take a while.
"""

from graphlib import TopologicalSorter
from typing import Any

from triggerbot import __version__
from triggerbot.config import Config, Plugin, SystemSettings
from triggerbot.systems import BuildContext, System

#: The type in the config, which is the name of the package -> the section in its `settings.py`.
_SECTIONS = {
    "generic": "GenericSettings",
    "github": "GitHubSettings",
    "taskcluster": "TaskclusterSettings",
    "treeherder": "TreeherderSettings",
}
#: Types that are planned and cannot be used yet.
PLANNED = ("buildbot", "gitlab", "buildkite", "jenkins", "circleci")

_HERE = "triggerbot.systems"
PLUGINS: dict[str, Plugin[SystemSettings]] = {
    name: Plugin(f"{_HERE}.{name}.settings:{section}", f"{_HERE}.{name}.system:build")
    for name, section in _SECTIONS.items()
}


def build(config: Config) -> dict[str, System]:
    """Make every configured system; reads the secrets, and raises `ConfigError` where one cannot be read."""
    made: dict[str, System] = {}
    # Those through which others work have to be there before these.
    for name in TopologicalSorter({name: one.needs() for name, one in config.systems.items()}).static_order():
        made[name] = _build(name, config.systems[name], made, config.mention(name), config.merge_queue(name))
    return {name: made[name] for name in config.systems}


def _build(
    name: str,
    settings: SystemSettings,
    made: dict[str, System],
    mention: str,
    merge_queue: frozenset[str] = frozenset(),
) -> System:
    context = BuildContext(made, _companion, mention, user_agent=f"triggerbot/{__version__}", merge_queue=merge_queue)
    system: System = PLUGINS[settings.type].builder()(name, settings, context)
    return system


def _companion(kind: str, name: str, **keys: Any) -> System:
    given = {key: value for key, value in keys.items() if value is not None}
    settings = PLUGINS[kind].section().model_validate({"type": kind, **given})
    return _build(name, settings, {}, "")
