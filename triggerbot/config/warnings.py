"""Warnings about a config without mistakes: what is probably not meant, and what `run` cannot start with."""

import ipaddress
from collections.abc import Collection, Iterator
from dataclasses import asdict

from triggerbot.config import addresses
from triggerbot.config.intakes import FileSettings, PollSettings, PulseSettings
from triggerbot.config.problems import suggest
from triggerbot.config.schema import Config
from triggerbot.config.secrets import Secret
from triggerbot.config.yaml_reader import Document, printable
from triggerbot.core.errors import Problem
from triggerbot.core.patterns import Globs, is_literal
from triggerbot.core.policy.rules import Rule

#: Seconds; a claim that is forgotten sooner could be made again by the CI's own late messages.
_RETENTION_SHORT = 3600.0
#: Bits of a network of proxies, at least: a larger network is no list of proxies.
_PREFIX_MIN = 8
_ELSEWHERE = "the address holds a password: keep it elsewhere and write env:NAME or file:PATH"


def unavailable(config: Config, document: Document) -> Iterator[Problem]:
    """Yield what `run` must refuse."""
    if not config.rules:
        message = "there are no rules, so nothing would be watched: write rules: [{projects: [NAME]}]"
        yield document.problem(("rules",), message)
    if not config.systems:
        yield document.problem(("systems",), "there is no system, so no CI would be heard of or retriggered")


def warnings(config: Config, document: Document) -> Iterator[Problem]:
    """Yield what is probably not meant."""
    yield from _of_top(config, document)
    yield from _of_systems(config, document)
    yield from _of_intakes(config, document)
    yield from _of_rules(config.rules, document)
    yield from _of_events(config, document)
    yield from _of_reports(config, document)


def renamed(config: Config, known: Collection[str]) -> Iterator[Problem]:
    """Yield that a system was probably renamed; `known`: those of which the store has pushes."""
    gone, new = sorted(set(known) - set(config.systems)), sorted(set(config.systems) - set(known))
    if gone and new:
        message = (
            f"the store has pushes of {' and '.join(gone)}, which the config does not name, and none of "
            f"{' and '.join(new)}: if that is the same CI, keep the name, for under a new one claims and budgets begin "
            "anew"
        )
        yield Problem(None, "systems", message)


def _of_top(config: Config, document: Document) -> Iterator[Problem]:
    store = "" if isinstance(config.store, Secret) else config.store
    if store.endswith(":memory:"):
        message = "a store in memory forgets at every restart what was retriggered: write sqlite:PATH"
        yield document.problem(("store",), message)
    if _holds_password(store):
        yield document.problem(("store",), _ELSEWHERE)
    if config.retention < _RETENTION_SHORT:
        message = "what was retriggered is forgotten so soon that it could be retriggered again: write 14d"
        yield document.problem(("retention",), message)
    wanted = max((max(rule.retries, rule.requested_max) for rule in config.rules), default=0)
    for name, cap in asdict(config.caps).items():
        if cap is not None and cap < wanted:
            message = (
                f"one request can want {wanted} retriggers (retries, requested.max), and would wait for ever: write at "
                f"least {wanted}"
            )
            yield document.problem(("caps", name), message)
    yield from _of_page(config, document)


def _of_page(config: Config, document: Document) -> Iterator[Problem]:
    page = config.page
    for position, network in enumerate(page.proxies):
        if ipaddress.ip_network(network).prefixlen < _PREFIX_MIN:
            message = (
                f"anybody in {network} could say in {page.user_header or 'the header'} who they are: name the "
                "addresses of the proxies alone"
            )
            yield document.problem(("page", "proxies", position), message)
    if config.listen is None or addresses.is_here(config.listen[0]):
        return
    if page.read == "anyone":
        message = (
            "whoever reaches the address of listen reads messages and failure lines of all projects, private ones, "
            "too: write login, unless that is meant"
        )
        yield document.problem(("page", "read"), message)
    if not config.anyone_reads and not page.token and page.user_header is None:
        message = (
            "nobody can log in, so nobody can read the page and the API: set page.token or page.user_header, or "
            "page.read: anyone"
        )
        yield document.problem(("listen",), message)


def _of_systems(config: Config, document: Document) -> Iterator[Problem]:
    heard = {intake.system for intake in config.intakes}
    queues = {intake.system for intake in config.intakes if isinstance(intake, PulseSettings)}
    serving = {name for system in config.systems.values() for name in system.needs()}
    for name, system in config.systems.items():
        place = ("systems", name)
        if system.bearer is not None and system.url.startswith("http:") and not addresses.is_loopback(system.url):
            message = "the token would travel unencrypted to another machine: write https://"
            yield document.problem((*place, "url"), message)
        if system.webhook_secrets and config.listen is None:
            message = "webhooks cannot arrive while listen is off"
            yield document.problem((*place, "webhook_secret"), message)
        if not system.webhook_secrets and system.sweep is None and name not in heard | serving:
            message = "nothing tells of its runs: add a webhook_secret, an intake or a sweep"
            yield document.problem(place, message)
        queue = name in queues or (None if name in serving else False)
        yield from (document.problem(place, message) for message in system.warnings(queue=queue))


def _of_intakes(config: Config, document: Document) -> Iterator[Problem]:
    seen: set[PollSettings | FileSettings] = set()
    for position, intake in enumerate(config.intakes):
        place = ("intakes", position)
        if isinstance(intake, PulseSettings):
            yield from _of_pulse(intake, position, document)
            continue
        if intake in seen:
            yield document.problem(place, "this intake is given twice")
        seen.add(intake)
        if isinstance(intake, PollSettings) and (why := config.systems[intake.system].unpollable(intake.system)):
            yield document.problem((*place, "poll"), why)


def _of_pulse(pulse: PulseSettings, position: int, document: Document) -> Iterator[Problem]:
    place = ("intakes", position, "pulse")
    if isinstance(pulse.url, Secret):
        return
    if _holds_password(pulse.url):
        yield document.problem((*place, "url"), _ELSEWHERE)
    if "pulse.mozilla.org" in pulse.url and not pulse.queue.startswith("queue/"):
        message = "Mozilla's Pulse allows only queues whose name begins with queue/ and your user's name"
        yield document.problem((*place, "queue"), message)


def _holds_password(address: str) -> bool:
    credentials = address.partition("://")[2].partition("/")[0].rpartition("@")[0]
    # The password that every RabbitMQ is born with is no secret.
    return ":" in credentials and credentials != "guest:guest"


def _of_rules(rules: tuple[Rule, ...], document: Document) -> Iterator[Problem]:
    for position, rule in enumerate(rules):
        for earlier, other in enumerate(rules[:position]):
            if _covers(other.projects, rule.projects) and _covers(other.branches, rule.branches):
                message = f"this rule never applies: rules[{earlier}] covers its projects and branches, and comes first"
                yield document.problem(("rules", position), message)
                break


def _of_events(config: Config, document: Document) -> Iterator[Problem]:
    """Yield events of rules for which none of the CIs runs anything, if all of them say what theirs are."""
    known = [event for system in config.systems.values() for event in system.events]
    if not all(system.events for system in config.systems.values()):
        return
    for position, rule in enumerate(config.rules):
        for number, event in enumerate(rule.events.patterns):
            if known and is_literal(event) and event not in known:
                near = suggest(event, known) or ": look up how it is written"
                message = f"no job is run for an event '{printable(event, 80)}', as far as is known{near}"
                yield document.problem(("rules", position, "events", number), message)


def _of_reports(config: Config, document: Document) -> Iterator[Problem]:
    if config.reports and config.page.address is None:
        message = "reports will have no link to the page: write page: {address: https://...}"
        yield document.problem(("reports",), message)
    for position, report in enumerate(config.reports):
        for key, message in report.warnings(config.systems):
            yield document.problem(("reports", position, report.kind, *key), message)


def _covers(wide: Globs, narrow: Globs) -> bool:
    """Return whether `wide` surely matches everything that `narrow` matches."""
    return all(
        pattern in wide.patterns or (wide.match(pattern) if is_literal(pattern) else "*" in wide.patterns)
        for pattern in narrow.patterns
    )
