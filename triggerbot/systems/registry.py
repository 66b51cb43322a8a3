"""From the configuration to the systems themselves."""

from triggerbot import __version__
from triggerbot.config import Config, GenericConfig, GitHubConfig, SystemConfig, TaskclusterConfig, TreeherderConfig
from triggerbot.errors import UsageError
from triggerbot.systems import System
from triggerbot.systems.generic import Generic
from triggerbot.systems.github import AppKey, GitHub

_AGENT = f"triggerbot/{__version__}"


def build(config: Config) -> dict[str, System]:
    """Make every configured system; reads the secrets, and raises `ConfigError` where one cannot be read."""
    return {name: _system(name, settings) for name, settings in config.systems.items()}


def _system(name: str, settings: SystemConfig) -> System:
    secrets = tuple(secret.read() for secret in settings.webhook_secrets)
    token = None if settings.token is None else settings.token.read()
    match settings:
        case GenericConfig():
            return Generic(
                name, settings.url, token=token, webhook_secrets=secrets, grace=settings.grace, user_agent=_AGENT
            )
        case GitHubConfig():
            app = None
            if settings.app_id is not None and settings.app_key is not None:
                app = AppKey(settings.app_id, settings.app_key.read())
            return GitHub(
                name,
                url=settings.url,
                token=token,
                app=app,
                webhook_secrets=secrets,
                repositories=settings.repositories,
                grace=settings.grace,
                forks_allowed=settings.forks,
            )
        case TaskclusterConfig() | TreeherderConfig():
            raise UsageError(f"system {name}: type {settings.type} is not in this version yet")
