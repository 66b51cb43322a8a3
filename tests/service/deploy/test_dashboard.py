"""The dashboard for Grafana queries existing metrics."""

import json
import re
from pathlib import Path

from tests import ROOT
from tests.fakes.clock import Clock
from triggerbot.daemon.gauges import Gauges
from triggerbot.metrics import Metrics
from triggerbot.store.factory import open_file

DASHBOARD = ROOT / "deploy/grafana/dashboards/triggerbot.json"


def test_every_query_asks_for_a_metric_with_its_labels(tmp_path: Path) -> None:
    """A metric that is renamed, or loses a label, must not leave an empty panel behind."""
    store = open_file(tmp_path / "state.db")
    try:
        known = {family.name: set(family._labelnames) for family in Gauges(store, Clock()).collect()}
    finally:
        store.close()
    for metric in vars(Metrics()).values():
        labels = set(getattr(metric, "_labelnames", ()))
        for family in metric.describe() if hasattr(metric, "describe") else ():
            known |= {f"{family.name}{suffix}": labels | {"le"} for suffix in ("_total", "_bucket")}
    dashboard = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]

    for query in queries:
        names = set(re.findall(r"triggerbot_[a-z_]+", query))
        grouped = {label.strip() for labels in re.findall(r"by \(([^)]*)\)", query) for label in labels.split(",")}
        chosen = set(re.findall(r"([a-z_]+)=~?\"", query))
        assert names
        assert names <= set(known), query
        assert grouped | chosen <= set().union(*(known[name] for name in names)), query
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]) > 10
