"""Loading a config: what the design's example gives, what the defaults are, and which file is read."""

import re
from pathlib import Path

import pytest

from tests.config.examples import DESIGN, EXAMPLES, system
from triggerbot.cli.config import load, loads
from triggerbot.config import FileSettings, PageSettings, PollSettings, PulseSettings, locate
from triggerbot.config.intakes import Binding
from triggerbot.core.errors import ConfigError
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.circuit_breaker import BreakerSettings
from triggerbot.core.policy.limits import Caps
from triggerbot.core.policy.rules import Rule
from triggerbot.systems.generic.settings import GenericSettings
from triggerbot.systems.github.settings import GitHubSettings


class TestExample:
    """The example of the design is the contract."""

    def test_loads(self) -> None:
        """The design's example loads, though it names an intake that this version does not have."""
        config = loads(DESIGN, "design")

        assert config.dry_run is True
        assert config.store == "sqlite:state.db"
        assert config.listen == ("127.0.0.1", 8080)
        assert config.retention == 14 * 86400

    def test_systems(self) -> None:
        """Systems know their addresses, times and where their secrets are stored."""
        config = loads(DESIGN, "design")
        ci, gh = config.systems["ci"], config.systems["gh"]

        assert isinstance(ci, GenericSettings)
        assert (ci.type, ci.url, ci.grace, ci.sweep) == ("generic", "http://127.0.0.1:9000", 60.0, 300.0)
        assert ci.token is not None
        assert (ci.token.reference, ci.token.path) == ("env:CI_TOKEN", "systems.ci.token")
        assert isinstance(gh, GitHubSettings)
        assert (gh.type, gh.url, gh.forks, gh.app) == ("github", "https://api.github.com", False, None)
        assert [secret.reference for secret in gh.webhook_secrets] == ["env:NEW_SECRET", "env:OLD_SECRET"]

    def test_intakes(self) -> None:
        """Intakes keep their order; the broker's address, which may hold a password, is not shown."""
        pulse, poll = loads(DESIGN, "design").intakes

        assert isinstance(pulse, PulseSettings)
        assert pulse.bindings == (Binding(exchange="exchange/ci/v1", routing_key="#"),)
        assert "guest" not in repr(pulse)
        assert poll == PollSettings(system="ci", every="60s")

    def test_rule(self) -> None:
        """Every key of a rule gets to the policy."""
        expected = Rule(
            projects=Globs(["try"]),
            exclude_jobs=Globs(["*-unstable*"]),
            exclude_authors=Globs(["autoland@example.org"]),
            exclude_steps=Globs(["build*"]),
            groups={"talos": Globs(["*talos*"])},
            budget=Budget(5.0, 4),
        )

        assert loads(DESIGN, "design").rules == (expected,)

    def test_can_run(self) -> None:
        """Everything in it is available in this version."""
        assert loads(DESIGN, "design").unavailable == ()


class TestDefaults:
    """Omitted keys have defaults."""

    def test_of_the_file(self) -> None:
        """Only projects are needed; all else is as the design says."""
        config = loads("rules: [{projects: [try]}]", "x.yml")

        assert config.source == "x.yml"
        assert dict(config) == {
            "dry_run": False,
            "store": "sqlite:state.db",
            "store_insecure": False,
            "listen": ("127.0.0.1", 8080),
            "systems": {},
            "intakes": (),
            "rules": (Rule(Globs(["try"])),),
            "breaker": BreakerSettings(),
            "caps": Caps(),
            "page": PageSettings(),
            "reports": (),
            "retention": 1209600.0,
        }

    def test_repositories_are_the_projects(self) -> None:
        """GitHub is asked for those projects of the rules that name one repository."""
        config = loads(
            "systems: {gh: {type: github, token: env:T}}\nrules: [{projects: [try, a/b, 'a/*', c/d, a/b]}]", "x.yml"
        )
        gh = config.systems["gh"]

        assert isinstance(gh, GitHubSettings)
        assert gh.repositories == ("a/b", "c/d")

    def test_app_credentials(self) -> None:
        """An app has an id, written as a number or as text, and a key that is a secret."""
        for written in ("12", "'12'"):
            gh = loads(f"systems: {{gh: {{type: github, app: {{id: {written}, key: file:a.pem}}}}}}").systems["gh"]

            assert isinstance(gh, GitHubSettings)
            assert gh.app is not None
            assert (gh.app.id, gh.app.key.reference, gh.token) == ("12", "file:a.pem", None)

    @pytest.mark.parametrize(
        ("written", "expected"), [("500ms", 0.5), ("60s", 60), ("5m", 300), ("2h", 7200), ("14d", 1209600), ("0s", 0)]
    )
    def test_durations(self, written: str, expected: float) -> None:
        """Durations are seconds, whatever their unit."""
        assert loads(system(f"grace: {written}")).systems["ci"].grace == expected

    @pytest.mark.parametrize(
        ("written", "expected"),
        [("'[::1]:8080'", ("::1", 8080)), ("localhost:1", ("localhost", 1)), ("off", None), ("false", None)],
    )
    def test_listen(self, written: str, expected: tuple[str, int] | None) -> None:
        """An address may be IPv6; off is off, also for readers of YAML 1.1 who make it false."""
        assert loads(f"listen: {written}").listen == expected

    def test_no_sweep(self) -> None:
        """The sweep can be switched off."""
        assert loads(system("sweep: off")).systems["ci"].sweep is None

    def test_file_intake(self) -> None:
        """A file intake keeps its path as it was written: relative to the working directory."""
        text = system("grace: 1s") + "intakes: [{file: {system: ci, path: events.jsonl}}]"

        assert loads(text).intakes == (FileSettings(system="ci", path="events.jsonl"),)

    def test_words_are_words(self) -> None:
        """A branch that is called no, or on, is a name and no truth value."""
        (watched,) = loads("rules: [{projects: [no], branches: [on, 12:30, 2026-11-20]}]").rules

        assert watched.projects.patterns == ("no",)
        assert watched.branches.patterns == ("on", "12:30", "2026-11-20")


class TestFiles:
    """Errors of the file itself."""

    def test_loads_a_file(self, tmp_path: Path) -> None:
        """A file is read, with or without a byte order mark, and names itself."""
        path = tmp_path / "t.yml"
        path.write_bytes(b"\xef\xbb\xbfrules: [{projects: [try]}]\r\n")

        assert load(path).source == str(path)
        assert load(str(path)).rules[0].projects.patterns == ("try",)

    def test_no_such_file(self, tmp_path: Path) -> None:
        """A file that is not there is named, with how to begin."""
        with pytest.raises(ConfigError, match="no such file; begin with"):
            load(tmp_path / "none.yml")

    def test_directory(self, tmp_path: Path) -> None:
        """A directory is no file."""
        with pytest.raises(ConfigError, match="directory"):
            load(tmp_path)

    def test_bad_names(self, tmp_path: Path) -> None:
        """Names that no file can have are mistakes like others."""
        for name in ("a\0b", "x" * 5000, "\ud800", str(tmp_path / "t.yml" / "x")):
            with pytest.raises(ConfigError):
                load(name)

    def test_not_utf8(self, tmp_path: Path) -> None:
        """The line of the first byte that is no UTF-8 is named."""
        path = tmp_path / "t.yml"
        path.write_bytes(b"dry_run: true\nstore: \xff\xfe")

        with pytest.raises(ConfigError, match=r"line 2: this is no UTF-8"):
            load(path)

    def test_too_large(self) -> None:
        """An endless file is refused at the size limit."""
        with pytest.raises(ConfigError, match="larger than"):
            load("/dev/zero")

    def test_no_permission(self, tmp_path: Path) -> None:
        """A file that may not be read is a mistake with its remedy."""
        path = tmp_path / "t.yml"
        path.write_text("dry_run: true")
        path.chmod(0)
        try:
            path.read_text()
        except PermissionError:
            with pytest.raises(ConfigError, match="no permission"):
                load(path)
        else:
            pytest.skip("this user may read everything")
        finally:
            path.chmod(0o600)


class TestLocate:
    """Which file is taken."""

    def test_given_goes_first(self) -> None:
        """-c takes precedence over the environment, which takes precedence over the usual places."""
        assert locate("a.yml", {"TRIGGERBOT_CONFIG": "b.yml"}) == Path("a.yml")
        assert locate(None, {"TRIGGERBOT_CONFIG": "b.yml"}) == Path("b.yml")

    def test_usual_place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without either, triggerbot.yml of the working directory is taken."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "triggerbot.yml").touch()

        assert locate(None, {}) == Path("triggerbot.yml")

    def test_nowhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """If there is none, the places that were searched are named."""
        monkeypatch.chdir(tmp_path)

        with pytest.raises(ConfigError, match=re.escape("triggerbot.yml and /etc/triggerbot/triggerbot.yml")):
            locate(None, {})


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_load(path: Path) -> None:
    """The files in config/ are right, in dry run, and `run` starts with them."""
    config = load(path)

    assert config.dry_run is True
    assert config.unavailable == ()
    assert config.warnings == ()
