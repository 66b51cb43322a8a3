"""The alerts that deploy/alerts.yml has for Prometheus: they use existing metrics, and are documented."""

import re
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import generate_latest

from tests.service.deploy.installed import DEPLOY
from triggerbot.daemon.gauges import Gauges
from triggerbot.metrics import Metrics
from triggerbot.store.factory import open_file

RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]


def test_alerts_are_of_metrics_that_there_are(tmp_path: Path) -> None:
    """A name that nobody exports would never alert."""
    metrics, store = Metrics(), open_file(tmp_path / "state.db")
    metrics.registry.register(Gauges(store, lambda: 0.0))
    exported = set(re.findall(r"^# TYPE (\w+)", generate_latest(metrics.registry).decode(), re.MULTILINE))
    store.close()

    named = {name for rule in RULES for name in re.findall(r"triggerbot_\w+", rule["expr"])}

    assert len(named) > 4
    assert named <= exported


def test_the_documentation_says_of_each_what_to_do() -> None:
    """In a table of the page on daily operation."""
    page = (DEPLOY.parent / "docs/howto/operating.md").read_text()
    table = page.partition("## What to alert on")[2].partition("\n## ")[0]
    for rule in RULES:
        named = re.findall(r"triggerbot_[a-z_]+|\bup\b", rule["expr"])[0]
        assert f"| `{named}" in table, rule["alert"]
    assert table.count("\n| `") == len(RULES)
