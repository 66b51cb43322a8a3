"""From the configuration to the publisher with its reporters."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from triggerbot.config import Config
from triggerbot.metrics import Metrics
from triggerbot.reports import BranchReporter, ReportContext, Reporter
from triggerbot.reports.branches import branch_json
from triggerbot.reports.branches.expectations import Expectations
from triggerbot.reports.branches.look import looking
from triggerbot.reports.branches.publisher import BranchReports
from triggerbot.reports.calibration import Sampler
from triggerbot.reports.comments import CommandSettings, CommentCommands, Permission
from triggerbot.reports.failure_lines import FailureLines
from triggerbot.reports.judge import Judge
from triggerbot.reports.publisher import Publisher, PublishSettings
from triggerbot.reports.registry import PLUGINS
from triggerbot.reports.reporters.treeherder import TreeherderReporter
from triggerbot.store import Store
from triggerbot.systems import System
from triggerbot.systems.classification import Classifies


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
    look = looking(store, judge, config.rules, list(config.systems))
    commands = CommentCommands(
        store,
        systems,
        judge,
        CommandSettings(config.rules, _permissions(config), dry),
        look,
        clock=clock,
        metrics=metrics,
    )
    reporters = list(_reporters(config, systems, clock))
    settings = PublishSettings(
        tuple(one for one in reporters if isinstance(one, Reporter)), config.page.address, dry, rules=config.rules
    )
    along = BranchReports(
        store,
        look,
        [one for one in reporters if isinstance(one, BranchReporter)],
        link=partial(branch_json.link, config.page.address),
        dry=dry,
        clock=clock,
        metrics=metrics,
    )
    lines = FailureLines(store, systems, clock)
    sampler = Sampler(store, config.rules, clock, dry=dry)
    expected = Expectations(store, config.rules, settings.reporters, dry=dry, clock=clock, metrics=metrics)
    return Publisher(store, judge, lines, commands, settings, sampler, along, expected, clock=clock, metrics=metrics)


def _permissions(config: Config) -> dict[str, Permission]:
    """Who may ask where: the buttons of a report are only shown to those who may write."""
    found = {}
    for report in config.reports:
        if report.at_system is not None:
            commands = report.comment_commands
            authors, cap = (commands.authors, commands.cap) if commands else (False, 0)
            found[report.at_system] = Permission(authors, cap, report.covers)
    return found


def _reporters(
    config: Config, systems: Mapping[str, System], clock: Callable[[], float]
) -> Iterator[Reporter | BranchReporter]:
    for name, system in systems.items():
        classifier = system.classifier() if isinstance(system, Classifies) else None
        if classifier is not None:
            yield TreeherderReporter(name, classifier, clock)
    context = ReportContext(systems, clock)
    for report in config.reports:
        yield from PLUGINS[report.kind].builder()(report, context)
