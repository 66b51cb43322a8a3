"""Secrets: the config names where each one is kept; it is read when it is needed and shown nowhere."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from triggerbot.core.errors import ConfigError, Problem

#: What may stand in a config for a secret.
PATTERN = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"
#: Where systemd puts what LoadCredential= names; another place for each unit (systemd.exec(5)).
_CREDENTIALS = "$CREDENTIALS_DIRECTORY/"
#: Bytes; the largest secret in use, an app's private key, has about 3,000.
_FILE_MAX = 65_536


#: Characters of a secret that people choose: what is shorter than the first is none; what is shorter than the second
#: can be found by trying, from a single webhook.
_LEAST, _GOOD = 6, 16
_SUCH = "such as `openssl rand -base64 32` makes"


class Reference(str):
    """A text of the config that may say where a secret is kept, with the place where it stands."""

    line: int
    path: str
    source: str

    def __new__(cls, text: str, line: int, path: str, source: str) -> Self:
        """Note the place beside the text."""
        self = super().__new__(cls, text)
        self.line, self.path, self.source = line, path, source
        return self


def located(value: Any) -> "Secret":
    """Check that a value says where a secret is kept; the value itself never gets into the message."""
    if isinstance(value, Secret):
        return value
    if isinstance(value, str) and re.fullmatch(PATTERN, value) and value.strip() == value:
        if isinstance(value, Reference):
            return Secret(str(value), value.line, value.path, value.source)
        return Secret(value)
    kind = "a value" if isinstance(value, str | int | float) else "something else"
    raise ValueError(
        "expected env:NAME (an environment variable) or file:PATH (a file that holds nothing else); "
        f"got {kind}, which is not shown here: a secret itself never stands in the config"
    )


def sound(_: str) -> str:
    """Find no flaw."""
    return ""


def guessable(value: str) -> str:
    """Name the flaw of a secret that people choose and that is so short that it is none."""
    if len(value.removeprefix("whsec_")) >= _LEAST:
        return ""
    return f"has less than {_LEAST} characters, which can be guessed: put a long one there, {_SUCH}"


def weak_token(value: str) -> str:
    """Name the flaw of a token for the page or the metrics that works and is too short to be good."""
    if len(value) >= _GOOD:
        return ""
    return f"has less than {_GOOD} characters: it can be found by trying; put a long one there, {_SUCH}"


def weak(value: str) -> str:
    """Name the flaw of a webhook secret that works and is too short to be good."""
    if len(value.removeprefix("whsec_")) >= _GOOD:
        return ""
    return f"has less than {_GOOD} characters: whoever sees one webhook can try them all; put a long one there, {_SUCH}"


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of the config: its reference (`env:NAME` or `file:PATH`) and the place where that stands."""

    reference: str
    line: int | None = None
    path: str = ""
    source: str = "config"
    #: Names what is wrong with one that can be read; nothing if it is good.
    flaw: Callable[[str], str] = field(default=sound, compare=False, repr=False)

    def read(self, environ: Mapping[str, str] | None = None) -> str:
        """Fetch the secret, without one newline at its end; raises `ConfigError` if it cannot be had or is empty."""
        kind, _, name = self.reference.partition(":")
        value = self._of_file(environ) if kind == "file" else self._of_environment(name, environ)
        value = value.removesuffix("\n").removesuffix("\r")
        if not value.strip():
            raise self.wrong("is empty: put the secret there")
        return value

    def check(self, environ: Mapping[str, str] | None = None) -> None:
        """Raise `ConfigError` if it cannot be had, is empty, or is not what it has to be."""
        if wrong := self.flaw(self.read(environ)):
            raise self.wrong(wrong)

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

    def __str__(self) -> str:
        """Show what is written in the config."""
        return self.reference

    def __repr__(self) -> str:
        """Show the reference, never the secret."""
        return f"Secret({self.reference!r})"


def content(secret: Secret | None) -> str | None:
    """Read a secret that may be left out; raises `ConfigError` as `Secret.read` does."""
    return None if secret is None else secret.read()
