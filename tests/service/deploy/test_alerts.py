"""What deploy/ has for Prometheus: alerts that use existing metrics and are documented, and how to scrape us."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest

from tests.service.deploy.installed import DEPLOY
from tests.service.docs.generated import DOCS
from tests.service.docs.markdown import slug
from triggerbot.daemon.gauges import Gauges
from triggerbot.metrics import Metrics
from triggerbot.store.factory import open_file

RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
#: Where the documentation is served, as far as the file can know.
BASE = "https://docs.example.org/triggerbot/"


def test_alerts_are_of_metrics_that_there_are(tmp_path: Path) -> None:
    """A name that nobody exports would never alert."""
    metrics, store = Metrics(), open_file(tmp_path / "state.db")
    metrics.registry.register(Gauges(store, lambda: 0.0))
    exported = set(re.findall(r"^# TYPE (\w+)", generate_latest(metrics.registry).decode(), re.MULTILINE))
    store.close()

    named = {name for rule in RULES for name in re.findall(r"triggerbot_\w+", rule["expr"])}

    assert len(named) > 4
    assert named <= exported


def test_each_says_how_urgent_it_is_and_leads_to_what_to_do() -> None:
    """By `severity`, for Alertmanager's routes, and by a heading of the documentation: each has one of its own."""
    text = (DOCS / "howto/operating.md").read_text()
    alerts = text.partition("## What to alert on")[2].partition("\n## ")[0]
    sections = dict(part.split("\n", 1) for part in alerts.split("\n### ")[1:])

    for rule in RULES:
        name, severity = rule["alert"], rule["labels"]["severity"]
        address, _, anchor = rule["annotations"]["runbook_url"].removeprefix(BASE).partition("#")
        assert (DOCS / address).with_suffix(".md").is_file()
        assert anchor in {slug(one) for one in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
        assert anchor == slug(name)
        assert f"**When** ({severity}): " in sections[name]
        named = re.findall(r"triggerbot_[a-z_]+|\bup\b", rule["expr"])[0]
        assert f"`{named}" in sections[name]
        assert "**Do**: " in sections[name]
    assert list(sections) == [rule["alert"] for rule in RULES]
    assert {rule["labels"]["severity"] for rule in RULES} == {"critical", "warning", "info"}


@pytest.mark.parametrize("file", ["prometheus.yml", "prometheus-scrape.yml"])
def test_it_scrapes_the_job_that_the_alerts_name_with_a_token(file: str) -> None:
    """Without the token it is refused wherever only those who log in may read."""
    [job] = yaml.safe_load((DEPLOY / file).read_text())["scrape_configs"]

    assert set(re.findall(r'job="(\w+)"', " ".join(rule["expr"] for rule in RULES))) == {job["job_name"]}
    assert job["authorization"]["credentials_file"].endswith("metrics-token")
