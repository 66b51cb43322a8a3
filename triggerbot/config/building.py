"""From the form of the file to settings: seconds, patterns, secrets with their places."""

import re
from collections.abc import Iterator
from dataclasses import replace

from triggerbot.config import fields, schema
from triggerbot.config.document import Document, Place
from triggerbot.config.remarks import is_literal, unavailable, warnings
from triggerbot.config.secrets import PATTERN, Secret
from triggerbot.config.settings import (
    Config,
    FileConfig,
    GenericConfig,
    GitHubConfig,
    IntakeConfig,
    PollConfig,
    PulseConfig,
    SystemConfig,
)
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
        listen=file.listen,
        systems=systems,
        intakes=intakes,
        rules=rules,
        retention=file.retention,
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


def _system(name: str, section: schema.SystemSection, rules: tuple[Rule, ...], places: _Places) -> SystemConfig:
    place: Place = ("systems", name)
    token = places.optional(section.token, (*place, "token"))
    webhook_secrets = places.several(section.webhook_secret, (*place, "webhook_secret"))
    if isinstance(section, schema.GenericSystem):
        return GenericConfig(section.url, token, webhook_secrets, section.grace, section.sweep)
    return GitHubConfig(
        url=section.url,
        token=token,
        app_id=section.app.id if section.app else None,
        app_key=places.secret(section.app.key, (*place, "app", "key")) if section.app else None,
        webhook_secrets=webhook_secrets,
        grace=section.grace,
        sweep=section.sweep,
        forks=section.forks,
        repositories=section.repositories or tuple(dict.fromkeys(_repositories(rules))),
    )


def _repositories(rules: tuple[Rule, ...]) -> Iterator[str]:
    """Yield the projects of the rules that name one repository each."""
    for rule in rules:
        for project in rule.projects.patterns:
            if is_literal(project) and re.fullmatch(fields.REPOSITORY, project):
                yield project


def _intake(section: schema.Intake, place: Place, places: _Places) -> IntakeConfig:
    if section.poll is not None:
        return PollConfig(section.poll.system, section.poll.every)
    if section.file is not None:
        return FileConfig(section.file.system, section.file.path)
    pulse = section.pulse
    assert pulse is not None  # the schema lets exactly one of the three through
    url = places.secret(pulse.url, (*place, "pulse", "url")) if re.fullmatch(PATTERN, pulse.url) else pulse.url
    bindings = tuple((binding.exchange, binding.routing_key) for binding in pulse.bindings)
    return PulseConfig(pulse.system, url, pulse.queue, bindings, pulse.prefetch)


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
