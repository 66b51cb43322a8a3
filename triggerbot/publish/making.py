"""From the configuration to the publisher with its reporters. Only those that it names are loaded."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from triggerbot.config import Config, GitHubReportConfig, SlackReportConfig, WebhookReportConfig
from triggerbot.judging import Judge
from triggerbot.metrics import Metrics
from triggerbot.publish import Reporter
from triggerbot.publish.lines import Lines
from triggerbot.publish.publisher import Publisher, Setting
from triggerbot.publish.slack import SlackReporter
from triggerbot.publish.webhook import WebhookReporter
from triggerbot.publish.wishes import Permission, Wishes
from triggerbot.publish.wishes import Setting as WishSetting
from triggerbot.store import Store
from triggerbot.systems import System
from triggerbot.systems.registry import classifying


def publisher(
    config: Config,
    systems: Mapping[str, System],
    store: Store,
    judge: Judge,
    *,
    dry: bool,
    clock: Callable[[], float],
    metrics: Metrics,
) -> Publisher:
    """Make what judges and reports pushes; reads the secrets, and raises `ConfigError` where one cannot be read."""
    wishes = Wishes(
        store, systems, judge, WishSetting(config.rules, _permissions(config), dry), clock=clock, metrics=metrics
    )
    setting = Setting(tuple(_reporters(config, systems, clock)), config.page.address, dry)
    lines = Lines(store, systems, clock)
    return Publisher(store, judge, lines, wishes, setting, clock=clock, metrics=metrics)


def _permissions(config: Config) -> dict[str, Permission]:
    """Who may ask where: the buttons of a report are only shown to those who may write."""
    found = {}
    for report in config.reports:
        if isinstance(report, GitHubReportConfig):
            authors, cap = (report.commands.authors, report.commands.cap) if report.commands else (False, 0)
            found[report.system] = Permission(authors, cap, report.scope.covers)
    return found


def _reporters(config: Config, systems: Mapping[str, System], clock: Callable[[], float]) -> Iterator[Reporter]:
    for one in classifying(config):
        from triggerbot.publish.classify import Classifier

        yield Classifier(one.system, one.notes)
    for report in config.reports:
        wants = report.scope.covers
        match report:
            case GitHubReportConfig():
                from triggerbot.publish.github import GitHubReporter
                from triggerbot.systems.github.system import GitHub

                system = systems[report.system]
                assert isinstance(system, GitHub)  # the config was checked for it
                # What people ask is answered in the comment.
                comment = report.comment or report.commands is not None
                mention = "" if report.commands is None else report.commands.mention
                # Two, so that what hinders one (a permission that somebody forgot) does not hold up the other.
                if report.check:
                    yield GitHubReporter(report.system, system.desk, check=True, comment=False, wants=wants)
                if comment:
                    yield GitHubReporter(
                        report.system, system.desk, check=False, comment=True, wants=wants, mention=mention
                    )
            case SlackReportConfig():
                name, token = f"slack:{report.channel}", report.token.read()
                yield SlackReporter(name, token, report.channel, wants=wants, url=report.url, clock=clock)
            case WebhookReportConfig():
                secret = None if report.secret is None else report.secret.read()
                yield WebhookReporter(_name(report.url), report.url, secret=secret, wants=wants, clock=clock)


def _name(url: str) -> str:
    """Name the place of a webhook, without what its path may have of a secret."""
    return f"webhook:{urlsplit(url).hostname}:{hashlib.sha256(url.encode()).hexdigest()[:8]}"
