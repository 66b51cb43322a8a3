"""Secrets: the config names where each one is kept; it is read when it is needed and shown nowhere."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triggerbot.core.errors import ConfigError, Problem

#: What may stand in a config for a secret.
PATTERN = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"
#: Where systemd puts what LoadCredential= names; another place for each unit (systemd.exec(5)).
_CREDENTIALS = "$CREDENTIALS_DIRECTORY/"
#: Bytes; the largest secret in use, an app's private key, has about 3,000.
_FILE_MAX = 65_536


def reference(value: Any) -> str:
    """Check that a value says where a secret is kept; the value itself never gets into the message."""
    if isinstance(value, str) and re.fullmatch(PATTERN, value) and value.strip() == value:
        return value
    kind = "a value" if isinstance(value, str | int | float) else "something else"
    raise ValueError(
        "expected env:NAME (an environment variable) or file:PATH (a file that holds nothing else); "
        f"got {kind}, which is not shown here: a secret itself never stands in the config"
    )


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of the config: its reference (`env:NAME` or `file:PATH`) and the place where that stands."""

    reference: str
    line: int
    path: str
    source: str = "config"

    def read(self, environ: Mapping[str, str] | None = None) -> str:
        """Fetch the secret, without one newline at its end; raises `ConfigError` if it cannot be had or is empty."""
        kind, _, name = self.reference.partition(":")
        value = self._of_file(environ) if kind == "file" else self._of_environment(name, environ)
        value = value.removesuffix("\n").removesuffix("\r")
        if not value.strip():
            raise self.wrong("is empty: put the secret there")
        return value

    @property
    def file(self) -> Path | None:
        """The file that holds it, if one does."""
        return self._path(None) if self.reference.startswith("file:") else None

    def _path(self, environ: Mapping[str, str] | None) -> Path:
        name = self.reference.removeprefix("file:")
        directory = (os.environ if environ is None else environ).get(_CREDENTIALS[1:-1])
        if directory is None or not name.startswith(_CREDENTIALS):
            return Path(name)
        return Path(directory, name.removeprefix(_CREDENTIALS))

    def _of_environment(self, name: str, environ: Mapping[str, str] | None) -> str:
        value = (os.environ if environ is None else environ).get(name)
        if value is None:
            raise self.wrong(f"is not set: set the environment variable {name} before the start")
        return value

    def _of_file(self, environ: Mapping[str, str] | None) -> str:
        path = self._path(environ)
        if str(path).startswith(_CREDENTIALS):
            raise self.wrong("is kept by systemd for the service alone: $CREDENTIALS_DIRECTORY is not set here")
        try:
            with path.open("rb") as file:
                raw = file.read(_FILE_MAX + 1)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise self.wrong(f"cannot be read ({why}): create the file and let this user read it") from None
        if len(raw) > _FILE_MAX:
            raise self.wrong(f"is larger than {_FILE_MAX} bytes: name the file that holds only the secret")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise self.wrong("is no UTF-8 text: name the file that holds only the secret") from None

    def wrong(self, what: str) -> ConfigError:
        """Make the error that says, without what it is, what is wrong with it."""
        return ConfigError(self.source, (Problem(self.line, self.path, f"{self.reference} {what}"),))

    def __repr__(self) -> str:
        """Show the reference, never the secret."""
        return f"Secret({self.reference!r})"
