"""From the form of the file to settings: seconds, patterns, secrets with their places."""

import re
from collections.abc import Iterator
from dataclasses import replace

from triggerbot import breaker
from triggerbot.bounds import Bounds
from triggerbot.caps import Caps
from triggerbot.config import fields, schema, system_sections, telling_sections
from triggerbot.config.secrets import PATTERN, Secret
from triggerbot.config.settings import (
    Config,
    FileConfig,
    IntakeConfig,
    PollConfig,
    PulseConfig,
)
from triggerbot.config.system_settings import (
    ClassifyConfig,
    GenericConfig,
    GitHubConfig,
    PushLogConfig,
    SystemConfig,
    TaskclusterConfig,
    TreeherderConfig,
)
from triggerbot.config.telling_settings import (
    CommandsConfig,
    GitHubReportConfig,
    PageConfig,
    ReportConfig,
    Scope,
    SlackReportConfig,
    WebhookReportConfig,
)
from triggerbot.config.warnings import is_literal, unavailable, warnings
from triggerbot.config.yaml_reader import Document, Place
from triggerbot.patterns import Globs
from triggerbot.policy import Budget, Rule


def build(file: schema.ConfigFile, document: Document, source: str) -> Config:
    """Make the settings of a file that is right."""
    places = _Places(document, source)
    rules = tuple(_rule(section) for section in file.rules)
    systems = {name: _system(name, section, rules, places) for name, section in file.systems.items()}
    intakes = tuple(_intake(section, ("intakes", position), places) for position, section in enumerate(file.intakes))
    config = Config(
        source=source,
        dry_run=file.dry_run,
        store=file.store,
        store_insecure=file.store_insecure,
        store_secret=places.secret(file.store, ("store",)) if re.fullmatch(PATTERN, file.store) else None,
        listen=file.listen,
        systems=systems,
        intakes=intakes,
        rules=rules,
        retention=file.retention,
        page=_page(file.page, places),
        reports=tuple(_report(section, ("reports", position), places) for position, section in enumerate(file.reports)),
        bounds=Bounds(_breakers(file.breaker), Caps(file.caps.service, file.caps.project, file.caps.author)),
    )
    remarks = tuple(warnings(config, document))
    return replace(config, warnings=remarks, unavailable=tuple(unavailable(config, document)))


class _Places:
    """Gives secrets the place where their reference stands."""

    def __init__(self, document: Document, source: str) -> None:
        self._document = document
        self._source = source

    def secret(self, reference: str, place: Place) -> Secret:
        problem = self._document.problem(place, "")
        return Secret(reference, self._document.line(place), problem.path, self._source)

    def optional(self, reference: str | None, place: Place) -> Secret | None:
        return None if reference is None else self.secret(reference, place)

    def several(self, references: tuple[str, ...], place: Place) -> tuple[Secret, ...]:
        return tuple(self.secret(reference, (*place, position)) for position, reference in enumerate(references))


def _system(
    name: str, section: system_sections.SystemSection, rules: tuple[Rule, ...], places: _Places
) -> SystemConfig:
    place: Place = ("systems", name)
    match section:
        case system_sections.GenericSystem():
            token = places.optional(section.token, (*place, "token"))
            webhook_secrets = places.several(section.webhook_secret, (*place, "webhook_secret"))
            return GenericConfig(section.url, token, webhook_secrets, section.grace, section.sweep)
        case system_sections.GitHubSystem():
            return _github(section, place, rules, places)
        case system_sections.TaskclusterSystem():
            return _taskcluster(section, place, rules, places)
        case system_sections.TreeherderSystem():
            return TreeherderConfig(
                url=section.url,
                taskcluster=section.taskcluster,
                classify=_classify(section.classify, place, places),
                projects=section.projects or tuple(dict.fromkeys(_literal_projects(rules))),
                grace=section.grace,
                sweep=section.sweep,
            )


def _taskcluster(
    section: system_sections.TaskclusterSystem, place: Place, rules: tuple[Rule, ...], places: _Places
) -> TaskclusterConfig:
    return TaskclusterConfig(
        url=section.url,
        client_id=section.client_id,
        token=places.optional(section.access_token, (*place, "access_token")),
        certificate=places.optional(section.certificate, (*place, "certificate")),
        push_logs=tuple(
            PushLogConfig(
                Globs(log.projects),
                log.hg,
                log.github,
                places.optional(log.token, (*place, "pushes", position, "token")),
            )
            for position, log in enumerate(section.pushes)
        ),
        treeherder=section.treeherder,
        classify=_classify(section.classify, place, places),
        create_task=section.without_action == "create_task",
        index=section.index,
        projects=section.projects or tuple(dict.fromkeys(_literal_projects(rules))),
        grace=section.grace,
        sweep=section.sweep,
    )


def _classify(section: system_sections.ClassifySection | None, place: Place, places: _Places) -> ClassifyConfig | None:
    if section is None:
        return None
    return ClassifyConfig(
        places.secret(section.session, (*place, "classify", "session")),
        places.secret(section.csrf, (*place, "classify", "csrf")),
    )


def _github(
    section: system_sections.GitHubSystem, place: Place, rules: tuple[Rule, ...], places: _Places
) -> GitHubConfig:
    return GitHubConfig(
        url=section.url,
        token=places.optional(section.token, (*place, "token")),
        app_id=section.app.id if section.app else None,
        app_key=places.secret(section.app.key, (*place, "app", "key")) if section.app else None,
        webhook_secrets=places.several(section.webhook_secret, (*place, "webhook_secret")),
        grace=section.grace,
        sweep=section.sweep,
        forks=section.forks,
        repositories=section.repositories or tuple(dict.fromkeys(_repositories(rules))),
    )


def _repositories(rules: tuple[Rule, ...]) -> Iterator[str]:
    """Yield the projects of the rules that name one repository each."""
    return (project for project in _literal_projects(rules) if re.fullmatch(fields.REPOSITORY, project))


def _literal_projects(rules: tuple[Rule, ...]) -> Iterator[str]:
    """Yield the projects of the rules that are no patterns."""
    for rule in rules:
        yield from filter(is_literal, rule.projects.patterns)


def _intake(section: schema.Intake, place: Place, places: _Places) -> IntakeConfig:
    if section.poll is not None:
        return PollConfig(section.poll.system, section.poll.every)
    if section.file is not None:
        return FileConfig(section.file.system, section.file.path)
    pulse = section.pulse
    assert pulse is not None  # the schema lets exactly one of the three through
    url = places.secret(pulse.url, (*place, "pulse", "url")) if re.fullmatch(PATTERN, pulse.url) else pulse.url
    bindings = tuple((binding.exchange, binding.routing_key) for binding in pulse.bindings)
    return PulseConfig(pulse.system, url, pulse.queue, bindings, pulse.prefetch, pulse.ca, pulse.insecure)


def _breakers(section: schema.BreakerSection) -> breaker.Settings:
    return breaker.Settings(
        failures=section.failures or breaker.NEVER,
        pushes=section.pushes or breaker.NEVER,
        within=section.within,
        share=section.share,
        canary=section.canary,
        longest=section.longest,
    )


def _page(section: telling_sections.PageSection, places: _Places) -> PageConfig:
    return PageConfig(
        None if section.address is None else section.address.rstrip("/"),
        places.several(section.token, ("page", "token")),
        section.user_header,
        section.proxies,
    )


def _report(section: telling_sections.Report, place: Place, places: _Places) -> ReportConfig:
    if section.github is not None:
        github, commands = section.github, section.github.commands
        return GitHubReportConfig(
            system=github.system,
            check=github.check,
            comment=github.comment,
            commands=None if commands is None else CommandsConfig(commands.mention, commands.authors, commands.cap),
            scope=Scope(Globs(github.projects), Globs(github.branches)),
        )
    if section.slack is not None:
        slack = section.slack
        token = places.secret(slack.token, (*place, "slack", "token"))
        return SlackReportConfig(token, slack.channel, slack.url, Scope(Globs(slack.projects), Globs(slack.branches)))
    webhook = section.webhook
    assert webhook is not None  # the schema lets exactly one of the three through
    secret = places.optional(webhook.secret, (*place, "webhook", "secret"))
    return WebhookReportConfig(webhook.url, secret, Scope(Globs(webhook.projects), Globs(webhook.branches)))


def _rule(section: schema.RuleSection) -> Rule:
    return Rule(
        projects=Globs(section.projects),
        branches=Globs(section.branches),
        jobs=Globs(section.jobs),
        exclude_jobs=Globs(section.exclude_jobs),
        authors=Globs(section.authors),
        exclude_authors=Globs(section.exclude_authors),
        kinds=frozenset(section.kinds),
        results=frozenset(section.results),
        max_tier=section.max_tier,
        pools=Globs(section.pools),
        exclude_steps=Globs(section.exclude_steps),
        retries=section.retries,
        opt_in=section.opt_in,
        requested_max=section.requested.max,
        groups={name: Globs(patterns) for name, patterns in section.requested.groups.items()},
        budget=Budget(section.budget.percent, section.budget.floor),
        lookup_attempts=section.lookup.attempts,
        lookup_delay=section.lookup.delay,
    )
