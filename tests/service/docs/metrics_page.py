"""The reference of the metrics, written from their declarations."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from triggerbot.daemon.gauges import Gauges
from triggerbot.metrics import Metrics
from triggerbot.store.factory import open_file

from .markdown import page, table

_INTRO = """\
`GET /metrics`, in Prometheus' text format. With several workers each counts for itself, and the one that happens to
answer tells its own counters; what is read from the store is the same in all of them (the sums of a day are up to five
minutes old). Alerts and a dashboard for Grafana are in `deploy/`: [how to use them](../howto/monitoring.md)."""

_HEADS = ["metric", "labels", "meaning"]


def metrics_page() -> str:
    """Write the page."""
    return page(
        "Metrics",
        _INTRO,
        "## Counted by each process",
        table(_HEADS, _counted()),
        "## Read from the store",
        table(_HEADS, _read()),
    )


def _counted() -> Iterator[list[str]]:
    for metric in vars(Metrics()).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            name = family.name + {"counter": "_total"}.get(family.type, "")
            yield _row(name, metric._labelnames, family.documentation)


def _read() -> Iterator[list[str]]:
    with tempfile.TemporaryDirectory() as directory:
        store = open_file(Path(directory) / "state.db")
        try:
            for family in Gauges(store, time.time).collect():
                yield _row(family.name, family._labelnames, family.documentation)
        finally:
            store.close()


def _row(name: str, labels: tuple[str, ...], meaning: str) -> list[str]:
    return [f"`{name}`", ", ".join(f"`{label}`" for label in labels), meaning]
