"""Secrets are read when needed, and their values are shown nowhere."""

from pathlib import Path

import pytest

from triggerbot.cli.config import loads
from triggerbot.config import PulseSettings, Secret
from triggerbot.core.errors import ConfigError

ENVIRON = {"TOKEN": "s3cret-and-long-enough", "EMPTY": "", "BLANK": " \n", "LINES": "a\nb\n\n"}


def secret(reference: str) -> Secret:
    """Make a secret that stands on line 7."""
    return Secret(reference, 7, "systems.ci.token", "x.yml")


def test_environment() -> None:
    """A secret may be an environment variable."""
    assert secret("env:TOKEN").read(ENVIRON) == ENVIRON["TOKEN"]


def test_real_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default the environment of the process is read."""
    monkeypatch.setenv("TRIGGERBOT_TEST_TOKEN", "s3cret")

    assert secret("env:TRIGGERBOT_TEST_TOKEN").read() == "s3cret"


@pytest.mark.parametrize(("raw", "value"), [(b"a", "a"), (b"a\n", "a"), (b"a\r\n", "a"), (b"a\n\n", "a\n")])
def test_file(tmp_path: Path, raw: bytes, value: str) -> None:
    """A secret may be a file; the newline that editors put at its end is left out, only that one."""
    path = tmp_path / "token"
    path.write_bytes(raw)

    assert secret(f"file:{path}").read() == value


def test_credentials_of_systemd(tmp_path: Path) -> None:
    """Each unit has its own directory of credentials, named by its environment."""
    (tmp_path / "secrets_token").write_text("s3cret\n")
    stored = secret("file:$CREDENTIALS_DIRECTORY/secrets_token")

    assert stored.read({"CREDENTIALS_DIRECTORY": str(tmp_path)}) == "s3cret"
    with pytest.raises(ConfigError, match="is kept by systemd for the service alone"):
        stored.read({})


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("env:NONE", "env:NONE is not set: set the environment variable NONE"),
        ("env:EMPTY", "env:EMPTY is empty"),
        ("env:BLANK", "is empty"),
        ("file:/nowhere/token", "file:/nowhere/token cannot be read (No such file or directory)"),
        ("file:/", "cannot be read (Is a directory)"),
        ("file:/dev/null", "is empty"),
        ("file:/dev/zero", "is larger than"),
        ("file:a\0b", "cannot be read"),
    ],
)
def test_not_to_be_had(reference: str, words: str) -> None:
    """A secret that cannot be read is reported with its place, its reference and a remedy."""
    with pytest.raises(ConfigError) as caught:
        secret(reference).read(ENVIRON)
    (problem,) = caught.value.problems

    assert (caught.value.source, problem.line, problem.path) == ("x.yml", 7, "systems.ci.token")
    assert words in problem.message


def test_not_text(tmp_path: Path) -> None:
    """A binary file was hardly meant, and is not shown."""
    path = tmp_path / "token"
    path.write_bytes(b"hunter2\xff")

    with pytest.raises(ConfigError, match="no UTF-8 text") as caught:
        secret(f"file:{path}").read()
    assert "hunter2" not in str(caught.value)


def test_repr() -> None:
    """A secret's `repr` shows where it is stored, and nothing else."""
    assert repr(secret("env:TOKEN")) == "Secret('env:TOKEN')"


#: Has the form of a private key.
KEY = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"


def test_missing_secrets() -> None:
    """All secrets of a config are tried at once: tokens, keys, webhook secrets, broker addresses."""
    config = loads(
        """\
systems:
  ci:
    type: generic
    url: http://127.0.0.1
    token: env:TOKEN
    webhook_secret: [env:TOKEN, env:A]
  gh:
    type: github
    app:
      id: 1
      key: env:B
intakes:
  - pulse: {system: ci, url: env:C, queue: q, bindings: [{exchange: e}]}
""",
        "x.yml",
    )

    assert [(problem.line, problem.path) for problem in config.missing_secrets(ENVIRON)] == [
        (6, "systems.ci.webhook_secret[1]"),
        (11, "systems.gh.app.key"),
        (13, "intakes[0].pulse.url"),
    ]
    assert config.missing_secrets({**ENVIRON, "A": "a" * 16, "B": KEY, "C": "amqps://h/"}) == ()
    assert config.missing_secrets({**ENVIRON, "A": "a" * 16, "B": f"Bag Attributes\n{KEY}", "C": "amqps://h/"}) == ()
    (wrong,) = config.missing_secrets({**ENVIRON, "A": "a" * 16, "B": "bogus", "C": "amqps://h/"})
    assert (wrong.path, "no private key in PEM" in wrong.message) == ("systems.gh.app.key", True)
    assert "bogus" not in wrong.message


def test_a_secret_that_is_no_address_of_a_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported with its place, and without its value."""
    text = (
        "systems: {ci: {type: generic, url: 'http://c'}}\n"
        "intakes:\n  - pulse: {system: ci, url: 'env:BROKER', queue: q, bindings: [{exchange: e}]}"
    )
    (intake,) = loads(text, "x.yml").intakes
    assert isinstance(intake, PulseSettings)
    monkeypatch.setenv("BROKER", "hunter2hunter2")
    with pytest.raises(
        ConfigError, match=r"x.yml: line 3: intakes\[0\].pulse.url: env:BROKER holds no address"
    ) as refused:
        intake.address()
    assert "hunter2" not in str(refused.value)
    monkeypatch.setenv("BROKER", "amqps://me:hunter2hunter2@host:5671/")
    assert intake.address() == "amqps://me:hunter2hunter2@host:5671/"


@pytest.mark.parametrize(
    ("value", "refused", "weak"),
    [("x" * 5, True, True), ("whsec_" + "x" * 5, True, True), ("x" * 6, False, True), ("x" * 15, False, True)]
    + [("x" * 16, False, False)],
)
def test_a_webhook_secret_that_can_be_guessed(value: str, refused: bool, weak: bool) -> None:
    """`run` refuses a trivial secret, and warns of a short one, with its place and how to make a better one."""
    text = "systems: {ci: {type: generic, url: 'http://c', token: env:T, webhook_secret: [env:A]}}"
    config, environ = loads(text, "x.yml"), {"A": value, "T": "short"}

    missing, short = config.missing_secrets(environ), tuple(config.weak_secrets(environ))

    warned = [("systems.ci.webhook_secret[0]", True)]
    assert [(one.path, "openssl rand" in one.message) for one in missing] == (warned if refused else [])
    assert [(one.path, "openssl rand" in one.message) for one in short] == (warned if weak else [])
    assert all(value not in one.message for one in (*missing, *short))


@pytest.mark.parametrize("key", ["token", "metrics_token"])
@pytest.mark.parametrize(("value", "weak"), [("x" * 6, True), ("x" * 15, True), ("x" * 16, False)])
def test_a_token_of_the_page_that_can_be_found_by_trying(key: str, value: str, *, weak: bool) -> None:
    """It is warned of with its place, and never shown."""
    config = loads(f"page: {{{key}: env:A}}")

    found = tuple(config.weak_secrets({"A": value}))

    assert [(one.path, "openssl rand" in one.message) for one in found] == ([(f"page.{key}", True)] if weak else [])
    assert all(value not in one.message for one in found)


TWO = """
systems:
  a: {type: generic, url: 'http://c', webhook_secret: env:A}
  b: {type: generic, url: 'http://d', webhook_secret: env:B}
"""


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (TWO, ["systems.b.webhook_secret"]),
        ("systems: {a: {type: generic, url: 'http://c', webhook_secret: [env:A, env:B]}}", []),
        ("systems: {a: {type: generic, url: 'http://c', webhook_secret: env:A}}\npage: {token: env:B}", ["page.token"]),
        ("page: {token: env:A, metrics_token: [env:C, env:B]}", ["page.metrics_token[1]"]),
        ("page: {token: env:A, metrics_token: env:C}", []),
    ],
)  # fmt: skip
def test_a_secret_is_for_one_thing(text: str, paths: list[str]) -> None:
    """What one system signs would be believed of the other: by their values, however they are named."""
    environ = {"A": "same-secret-for-two", "B": "same-secret-for-two", "C": "another-secret-here"}

    found = tuple(loads(text).weak_secrets(environ))

    assert [one.path for one in found] == paths
    assert all("make one for each" in one.message and "same-secret" not in one.message for one in found)
