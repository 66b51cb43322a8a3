"""From the configuration to the systems themselves. Only those that it names are loaded: some take a while."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from triggerbot import __version__
from triggerbot.config import (
    ClassifyConfig,
    Config,
    GenericConfig,
    GitHubConfig,
    GitHubReportConfig,
    Secret,
    SystemConfig,
    TaskclusterConfig,
    TreeherderConfig,
)
from triggerbot.systems import System
from triggerbot.systems.generic.system import Generic

if TYPE_CHECKING:
    from triggerbot.systems.treeherder.jobs import TreeherderJobs
    from triggerbot.systems.treeherder.notes import Notes

_AGENT = f"triggerbot/{__version__}"


def build(config: Config) -> dict[str, System]:
    """Make every configured system; reads the secrets, and raises `ConfigError` where one cannot be read."""
    made: dict[str, System] = {}
    # A Treeherder retriggers through a Taskcluster, which has to be there before.
    for name, settings in sorted(config.systems.items(), key=lambda one: isinstance(one[1], TreeherderConfig)):
        made[name] = _system(name, settings, made, _mention(config, name))
    return {name: made[name] for name in config.systems}


def _mention(config: Config, system: str) -> str:
    """Tell under which name people ask for something in comments there."""
    asked = [
        report.commands.mention
        for report in config.reports
        if isinstance(report, GitHubReportConfig) and report.system == system and report.commands is not None
    ]
    return asked[0] if asked else ""


def _system(name: str, settings: SystemConfig, made: dict[str, System], mention: str) -> System:
    secrets = tuple(secret.read() for secret in settings.webhook_secrets)
    match settings:
        case GenericConfig():
            token = _read(settings.token)
            return Generic(
                name, settings.url, token=token, webhook_secrets=secrets, grace=settings.grace, user_agent=_AGENT
            )
        case GitHubConfig():
            return _github(name, settings, secrets, mention)
        case TaskclusterConfig():
            return _taskcluster(name, settings)
        case TreeherderConfig():
            from triggerbot.systems.treeherder.system import Treeherder

            through = None if settings.taskcluster is None else made[settings.taskcluster]
            return Treeherder(_jobs(name, settings.url, settings.projects), through=through, grace=settings.grace)


def _github(name: str, settings: GitHubConfig, secrets: tuple[str, ...], mention: str) -> System:
    from triggerbot.systems.github.auth import AppKey, signs
    from triggerbot.systems.github.system import GitHub

    app = None
    if settings.app_id is not None and settings.app_key is not None:
        key = settings.app_key.read()
        if not signs(key):
            raise settings.app_key.wrong("is no RSA key in PEM: put the key there that GitHub made for the App")
        app = AppKey(settings.app_id, key)
    return GitHub(
        name,
        url=settings.url,
        token=_read(settings.token),
        app=app,
        webhook_secrets=secrets,
        repositories=settings.repositories,
        grace=settings.grace,
        forks_allowed=settings.forks,
        mention=mention,
    )


def _taskcluster(name: str, settings: TaskclusterConfig) -> System:
    from triggerbot.systems.taskcluster.api import Credentials
    from triggerbot.systems.taskcluster.pushlog import PushLog
    from triggerbot.systems.taskcluster.system import Setting, Taskcluster

    credentials = None
    if settings.client_id is not None and settings.token is not None:
        credentials = Credentials(settings.client_id, settings.token.read(), _read(settings.certificate))
    logs = [PushLog(log.projects, log.hg, log.github, _read(log.token)) for log in settings.push_logs]
    return Taskcluster(
        name,
        settings.url,
        credentials=credentials,
        push_logs=logs,
        setting=Setting(settings.create_task, settings.index, settings.projects),
        jobs=None if settings.treeherder is None else _jobs(name, settings.treeherder, settings.projects),
        grace=settings.grace,
        user_agent=_AGENT,
    )


def _jobs(name: str, url: str, projects: tuple[str, ...]) -> "TreeherderJobs":
    from triggerbot.systems.treeherder.jobs import TreeherderJobs

    return TreeherderJobs(name, url, projects=projects, user_agent=_AGENT)


@dataclass(frozen=True, slots=True)
class Classifying:
    """Where the failures of one system are classified."""

    system: str
    notes: "Notes"


def classifying(config: Config) -> list[Classifying]:
    """Make what classifies failures, where that is configured; reads the secrets as `build` does."""
    found = []
    for name, settings in config.systems.items():
        match settings:
            case TaskclusterConfig(classify=ClassifyConfig() as login, treeherder=str() as url):
                found.append(_classifying(name, url, login))
            case TreeherderConfig(classify=ClassifyConfig() as login):
                found.append(_classifying(name, settings.url, login))
            case _:
                continue
    return found


def _classifying(name: str, url: str, login: ClassifyConfig) -> Classifying:
    from triggerbot.systems.treeherder.notes import Notes

    jobs = _jobs(name, url, ())
    return Classifying(name, Notes(jobs, login.session.read(), login.csrf.read(), user_agent=_AGENT))


def _read(secret: Secret | None) -> str | None:
    return None if secret is None else secret.read()
