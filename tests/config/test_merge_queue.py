"""The keys of the merge queue, from the file to the system and the reporter that they are about."""

from collections.abc import Mapping

import pytest

from triggerbot.cli.config import loads
from triggerbot.reports import ReportContext
from triggerbot.reports.registry import PLUGINS
from triggerbot.reports.reporters.github.reporter import GitHubReporter
from triggerbot.systems import HasMergeQueue, System, registry

CONFIG = """
systems:
  gh: {{type: github, token: "env:T", webhook_secret: "env:T"}}
  other: {{type: github, token: "env:T"}}
reports:
  - github: {{system: gh{more}}}
rules:
  - projects: [octo/app]
"""


@pytest.mark.parametrize(
    ("more", "requeues", "required"),
    [
        ("", False, False),
        (", merge_queue: {}", False, False),
        (", merge_queue: {required_check: true, timeout: 20m}", False, True),
        (", merge_queue: {requeue: true}", True, False),
        (", check: false, comment: true, merge_queue: {requeue: true}", True, False),
    ],
)
def test_off_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch, more: str, requeues: bool, required: bool) -> None:
    """Each of the two has to be switched on, at the system that the report is about."""
    monkeypatch.setenv("T", "a-secret-that-is-long-enough-for-anybody")
    config = loads(CONFIG.format(more=more), "x.yml")
    systems: Mapping[str, System] = registry.build(config)
    try:
        gh, other = systems["gh"], systems["other"]
        assert isinstance(gh, HasMergeQueue)
        assert isinstance(other, HasMergeQueue)
        assert (gh.requeues, other.requeues) == (requeues, False)
        [report] = config.reports
        reporters = list(PLUGINS[report.kind].builder()(report, ReportContext(systems, lambda: 0.0)))
        decides = [one for one in reporters if isinstance(one, GitHubReporter) and one.decides_merges]
        assert len(decides) == required
    finally:
        for system in systems.values():
            system.close()
