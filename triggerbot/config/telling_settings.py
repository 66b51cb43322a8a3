"""The page and the reports as the rest of triggerbot sees them."""

from collections.abc import Iterator
from dataclasses import dataclass

from triggerbot.config.secrets import Secret
from triggerbot.core.model import Push
from triggerbot.core.patterns import Globs


@dataclass(frozen=True, slots=True)
class PageConfig:
    """The web page; nobody may act there without `tokens` or a `user_header`."""

    #: Without a slash at its end.
    address: str | None = None
    tokens: tuple[Secret, ...] = ()
    user_header: str | None = None
    #: Networks such as `10.1.0.0/16`.
    proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """Which pushes are reported."""

    projects: Globs
    branches: Globs

    def covers(self, push: Push) -> bool:
        """Tell whether a push is."""
        return self.projects.match(push.project) and self.branches.match(push.branch)


@dataclass(frozen=True, slots=True)
class CommandsConfig:
    """What people may ask for in comments."""

    mention: str
    authors: bool
    cap: int


@dataclass(frozen=True, slots=True)
class GitHubReportConfig:
    """Reports at GitHub."""

    system: str
    check: bool
    comment: bool
    commands: CommandsConfig | None
    scope: Scope

    def secrets(self) -> Iterator[Secret]:
        """Yield nothing: those of the system are used."""
        yield from ()


@dataclass(frozen=True, slots=True)
class SlackReportConfig:
    """Reports in a channel of Slack."""

    token: Secret
    channel: str
    url: str
    scope: Scope

    def secrets(self) -> Iterator[Secret]:
        """Yield every secret that is needed."""
        yield self.token


@dataclass(frozen=True, slots=True)
class WebhookReportConfig:
    """Reports at an address."""

    url: str
    secret: Secret | None
    scope: Scope

    def secrets(self) -> Iterator[Secret]:
        """Yield every secret that is needed."""
        if self.secret is not None:
            yield self.secret


ReportConfig = GitHubReportConfig | SlackReportConfig | WebhookReportConfig
