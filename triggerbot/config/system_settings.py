"""The configured systems as the rest of triggerbot sees them."""

from collections.abc import Iterator
from dataclasses import dataclass

from triggerbot.config.secrets import Secret
from triggerbot.core.patterns import Globs


@dataclass(frozen=True, slots=True)
class GenericConfig:
    """A CI that speaks triggerbot's small HTTP interface."""

    url: str
    token: Secret | None
    webhook_secrets: tuple[Secret, ...]
    #: Seconds that this CI may take to list a run that it accepted.
    grace: float
    #: Seconds between two sweeps; `None`: never.
    sweep: float | None
    type: str = "generic"

    def secrets(self) -> Iterator[Secret]:
        """Yield every secret that is needed to work with it."""
        if self.token is not None:
            yield self.token
        yield from self.webhook_secrets


@dataclass(frozen=True, slots=True)
class GitHubConfig:
    """GitHub Actions; either `token`, or `app_id` and `app_key`."""

    url: str
    token: Secret | None
    app_id: str | None
    app_key: Secret | None
    webhook_secrets: tuple[Secret, ...]
    #: Seconds that GitHub may take to list a run that it accepted.
    grace: float
    #: Seconds between two sweeps; `None`: never.
    sweep: float | None
    #: Whether pushes that come from forks may be retriggered.
    forks: bool
    #: Repositories (owner/name) to ask, for polling and the sweep.
    repositories: tuple[str, ...]
    type: str = "github"

    def secrets(self) -> Iterator[Secret]:
        """Yield every secret that is needed to work with it."""
        for secret in (self.token, self.app_key):
            if secret is not None:
                yield secret
        yield from self.webhook_secrets


@dataclass(frozen=True, slots=True)
class PushLogConfig:
    """Where the message and the author of the pushes of some projects are; one of `hg` and `github`."""

    projects: Globs
    #: With `{project}` where the project's name goes.
    hg: str | None
    github: str | None
    token: Secret | None


@dataclass(frozen=True, slots=True)
class ClassifyConfig:
    """A login at Treeherder."""

    session: Secret
    csrf: Secret


@dataclass(frozen=True, slots=True)
class TaskclusterConfig:
    """A Taskcluster deployment; `token` (its access token) goes with `client_id`, and without both it is only read."""

    url: str
    client_id: str | None
    token: Secret | None
    certificate: Secret | None
    push_logs: tuple[PushLogConfig, ...]
    #: Treeherder's address, where it is the look-back of choice.
    treeherder: str | None
    classify: ClassifyConfig | None
    #: Whether a task without a retrigger action is copied rather than refused.
    create_task: bool
    index: str
    #: Projects to ask for in the sweep.
    projects: tuple[str, ...]
    #: Seconds that it may take until a retrigger is listed.
    grace: float
    #: Seconds between two sweeps; `None`: never.
    sweep: float | None
    webhook_secrets: tuple[Secret, ...] = ()
    type: str = "taskcluster"

    def secrets(self) -> Iterator[Secret]:
        """Yield every secret that is needed to work with it."""
        for secret in (self.token, self.certificate, *(log.token for log in self.push_logs)):
            if secret is not None:
                yield secret
        if self.classify is not None:
            yield from (self.classify.session, self.classify.csrf)


@dataclass(frozen=True, slots=True)
class TreeherderConfig:
    """A Treeherder; `taskcluster` names the system through which jobs are retriggered."""

    url: str
    taskcluster: str | None
    classify: ClassifyConfig | None
    #: Projects to ask for in the sweep.
    projects: tuple[str, ...]
    #: Seconds that it may take until a retrigger is listed.
    grace: float
    #: Seconds between two sweeps; `None`: never.
    sweep: float | None
    token: None = None
    webhook_secrets: tuple[Secret, ...] = ()
    type: str = "treeherder"

    def secrets(self) -> Iterator[Secret]:
        """Yield every secret that is needed to work with it."""
        if self.classify is not None:
            yield from (self.classify.session, self.classify.csrf)


SystemConfig = GenericConfig | GitHubConfig | TaskclusterConfig | TreeherderConfig
