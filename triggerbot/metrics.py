"""Declaration of every Prometheus metric that counts; names follow Prometheus' rules, labels are bounded."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest


class Metrics:
    """The counters of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.events = self._counter("events", "Events heard, by what observing them came to.", "system", "outcome")
        self.decisions = self._counter("decisions", "Decisions, by action and reason.", "action", "reason", "mode")
        self.requests = self._counter("requests", "Retrigger requests to a CI, by its answer.", "system", "answer")
        self.recovered = self._counter("recovered", "Requests in doubt that a look-back settled.", "system", "found")
        self.retriggers = self._counter("retriggers", "Further runs that CIs accepted to make.", "system")
        self.verdicts = self._counter("verdicts", "Verdicts of jobs that came or changed.", "verdict")
        self.look_backs = self._counter("look_backs", "Look-backs, by what came of them.", "system", "outcome")
        self.leads = self._counter("leads", "Leads that a CI was asked about, by what came of it.", "system", "outcome")
        self.webhooks = self._counter(
            "webhooks", "Webhooks, by the status they were answered with.", "system", "status"
        )
        self.repeated = self._counter("webhooks_repeated", "Webhooks that had been stored before.", "system")
        self.messages = self._counter("messages", "Messages of queues, by what became of them.", "system", "outcome")
        self.pulse_lost = self._counter(
            "pulse_lost", "Connections to a broker that broke or did not come about.", "system"
        )
        self.sweeps = self._counter("sweeps", "Sweeps and polls, by what came of them.", "system", "outcome")
        self.breakers = self._counter(
            "breaker_changes", "Breakers that were opened or closed.", "system", "scope", "change"
        )
        self.reports = self._counter("reports", "Reports brought up to date, by what came of it.", "kind", "outcome")
        self.wishes = self._counter(
            "wishes", "What people asked for in comments and by buttons, by what came of it.", "system", "outcome"
        )
        self.backfills = self._counter("backfills", "Searches for who broke a job, by what they ended with.", "found")
        self.reloads = self._counter("reloads", "Configurations that were read anew, by what came of it.", "outcome")
        self.dead_letters = self._counter("dead_letters", "Messages that could not be handled.", "system")
        self.dispatch_seconds = Histogram(
            "triggerbot_dispatch_seconds", "Time to deal with one due push, the CI's answers included.",
            ["system"], registry=self.registry,
        )  # fmt: skip

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"triggerbot_{name}", text, labels, registry=self.registry)

    def text(self) -> bytes:
        """Render all of them in Prometheus' text format."""
        return generate_latest(self.registry)
