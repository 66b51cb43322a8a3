"""`triggerbot check`, as people and programs see it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from tests.config.examples import DESIGN, EXAMPLES
from tests.fakes.ci import FakeCI
from tests.fakes.world import failure, push
from triggerbot.cli.check import check
from triggerbot.cli.config import json_schema
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.rules import Triage
from triggerbot.store import Observation
from triggerbot.store.factory import open_file

CONFIG = """\
dry_run: false
systems:
  ci:
    type: generic
    url: http://127.0.0.1:9
    token: env:TRIGGERBOT_TEST_TOKEN
    webhook_secret: env:TRIGGERBOT_TEST_TOKEN
intakes:
  - poll: {system: ci, every: 90s}
rules:
  - projects: [try]
    exclude_authors: ["dependabot[bot]"]
"""

RULE = f"""\
rules    “try”:
           A test job that failed is run 2 more times, once a push. Runs that others started count as well.
           Pushes of these authors are left alone: “dependabot[bot]”.
           Jobs beyond tier 1 are left alone: their failures do not count against a push.
           Of one push at most so many jobs are retriggered for failures: {Budget().words()}. \
When more fail, the rest are left to people.
           A push or a person may ask for up to 20 further runs of a job.
           The message of a push may ask for 2,000 further runs in all; what one on the default branch asks for does \
not count.
           A job that the CI does not list yet is looked for 5 times, 1.5 min apart, before it is given up.\
"""


def run(tmp_path: Path, text: str, *options: str) -> Result:
    """Check a text as t.yml."""
    path = tmp_path / "t.yml"
    path.write_text(text)
    return CliRunner().invoke(check, ["-c", str(path), *options])


class _CI(BaseHTTPRequestHandler):
    """A generic CI that checks the token, and has no runs."""

    def do_GET(self) -> None:
        """Answer every read."""
        allowed = self.headers["authorization"] == "Bearer right-and-long-enough"
        body = json.dumps({"runs": []}).encode()
        self.send_response(200 if allowed else 401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Log nothing."""


@pytest.fixture
def ci() -> Iterator[str]:
    """Run a CI on this machine; yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _CI)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_says_what_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A config that is right is summed up in words, one line for each thing."""
    monkeypatch.setenv("TRIGGERBOT_TEST_TOKEN", "right-and-long-enough")
    result = run(tmp_path, CONFIG)

    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"{tmp_path}/t.yml is right (REAL: triggers jobs).",
        "systems  ci: generic at http://127.0.0.1:9, sweep every 5m",
        "intakes  webhooks at 127.0.0.1:8080: /hooks/ci",
        "         poll ci every 90s",
        *RULE.splitlines(),
        "store    sqlite:state.db, for 14d",
    ]


@pytest.mark.parametrize(
    ("superseded", "said"),
    [
        ("skip", ["Pushes whose branch has a newer commit are left alone."]),
        (
            "{skip: ['*'], retrigger: [r/*]}",
            [
                "Pushes on “r/*” whose branch has a newer commit are retriggered all the same.",
                "Other pushes whose branch has a newer commit are left alone.",
            ],
        ),
        (
            "{skip: [x], retrigger: ['*']}",
            ["Pushes whose branch has a newer commit are retriggered all the same."],
        ),
    ],
)
def test_what_is_said_of_superseded_pushes(tmp_path: Path, superseded: str, said: list[str]) -> None:
    """To retrigger goes first, as the rule does."""
    output = run(tmp_path, f"rules: [{{projects: [a], superseded: {superseded}}}]").output

    assert [line.strip() for line in output.splitlines() if "newer commit" in line] == said


@pytest.mark.parametrize(
    ("classified", "said"),
    [
        ("", []),
        (", classified: [infra, intermittent]", [
            "Failures that somebody has classified as “infra” or “intermittent” are left alone."
        ]),
        (", classified: []", ["Failures are run again even if somebody has classified them."]),
    ],
)  # fmt: skip
def test_what_is_said_of_classified_failures(tmp_path: Path, classified: str, said: list[str]) -> None:
    """Where the rule says so itself."""
    output = run(tmp_path, f"rules: [{{projects: [a]{classified}}}]").output

    assert [line.strip(" -") for line in output.splitlines() if "somebody has classified" in line] == said


def test_says_all_that_a_rule_does(tmp_path: Path) -> None:
    """Every key of a rule comes back in words."""
    rule = (
        "rules: [{projects: ['a*', b], branches: [main], jobs: [j1], events: [e1], exclude_jobs: [j2], authors: [u1], "
        "exclude_authors: [u2], kinds: [build], results: [infra], max_tier: 3, pools: [arm], exclude_steps: [compile], "
        "retries: 1, opt_in: true, requested: {max: 7, groups: {talos: [t1, t2]}}, lookup: {attempts: 9, delay: 2m}}]"
    )
    said = run(tmp_path, rule).output

    for words in (
        "“a*” or “b”, on “main”:",
        "A build job of the names “j1” that met an error of the CI itself is run 1 more time, where its push asks",
        "Jobs of these names are left alone: “j2”.",
        "Only what the CI ran for these events is looked after, if it says so: “e1”.",
        "Jobs that failed in one of these steps are left alone: “compile”.",
        "Only pushes of these authors are looked after: “u1”.",
        "Pushes of these authors are left alone: “u2”.",
        "Only jobs on these machines are run again: “arm”.",
        "Jobs beyond tier 3 are left alone",
        "up to 7 further runs",
        "A push asks by --rebuild-talos for jobs of these names: “t1” or “t2”.",
        "looked for 9 times, 2 min apart",
    ):
        assert words in said


def test_design_example(tmp_path: Path) -> None:
    """The design's example is right, and can run."""
    result = run(tmp_path, DESIGN)

    assert result.exit_code == 0
    assert "dry run" in result.output
    assert "refuse" not in result.output


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples(path: Path) -> None:
    """The files in config/ are right."""
    assert CliRunner().invoke(check, ["-c", str(path)]).exit_code == 0


def test_mistakes(tmp_path: Path) -> None:
    """Each mistake is one line that names file, line, path and what would be right; the exit code is 2."""
    result = run(tmp_path, "rules:\n  - projects: [try]\n    retrys: '[red]2'\n    budget: {percent: '[/]'}")

    assert result.exit_code == 2
    assert result.output.splitlines()[0].startswith(f"{tmp_path}/t.yml:3: rules[0].retrys: unknown key; did you mean")
    assert result.output.splitlines()[1].endswith("expected a number, got text '[/]'")
    assert result.output.splitlines()[2] == "2 mistakes: nothing starts with this config."


def test_missing_secrets_are_warnings(tmp_path: Path) -> None:
    """A secret that is not there is only a warning: the check may run where no secrets are."""
    result = run(tmp_path, CONFIG)

    assert result.exit_code == 0
    assert "t.yml:6: warning: systems.ci.token: env:TRIGGERBOT_TEST_TOKEN is not set" in result.output
    assert "is right" not in result.output
    assert result.output.startswith(
        f"{tmp_path}/t.yml has no mistakes (REAL: triggers jobs), but `run` would not start from here, for want of 2 "
        "secrets.\n"
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("dry_run: false\nsystems: {ci: {type: generic, url: 'http://127.0.0.1:9'}}", "rules: there are no rules"),
        ("dry_run: false\nrules: [{projects: [try]}]", "systems: there is no system"),
    ],
)
def test_what_run_refuses_is_not_right(tmp_path: Path, text: str, why: str) -> None:
    """The config has no mistake but is incomplete: no service would start."""
    result = run(tmp_path, text)

    assert result.exit_code == 0
    assert "is right" not in result.output
    assert "has no mistakes (REAL: triggers jobs), but `run` will not start with it." in result.output
    assert f"run will refuse to start: {why}" in result.output
    assert json.loads(run(tmp_path, text, "--json").output)["starts"] is False


def test_whether_it_triggers_has_to_be_written(tmp_path: Path) -> None:
    """Nobody's CI is written to because a line was forgotten; the two lines to choose from are named."""
    undecided = CONFIG.replace("dry_run: false\n", "")
    result = run(tmp_path, undecided)

    assert result.exit_code == 0
    assert (
        "has no mistakes, but `run` will not start with it: it does not say whether it is a dry run." in result.output
    )
    assert "run will refuse to start: dry_run: " in result.output
    assert "`dry_run: true`" in result.output
    assert "`dry_run: false`" in result.output
    assert json.loads(run(tmp_path, undecided, "--json").output)["starts"] is False


def test_no_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any config, the places that were looked at are named; the exit code is 2."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRIGGERBOT_CONFIG", raising=False)
    result = CliRunner().invoke(check, [])

    assert result.exit_code == 2
    assert "triggerbot.yml and /etc/triggerbot/triggerbot.yml do not exist" in result.output


def test_config_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without -c, the environment names the config."""
    (tmp_path / "e.yml").write_text(CONFIG)
    monkeypatch.setenv("TRIGGERBOT_TEST_TOKEN", "right-and-long-enough")
    monkeypatch.setenv("TRIGGERBOT_CONFIG", str(tmp_path / "e.yml"))

    assert "e.yml is right" in CliRunner().invoke(check, []).output


def test_schema() -> None:
    """--schema prints the JSON Schema, and needs no config."""
    result = CliRunner().invoke(check, ["--schema"])

    assert result.exit_code == 0
    assert json.loads(result.output) == json.loads(json.dumps(json_schema()))
    jsonschema.Draft202012Validator.check_schema(json.loads(result.output))


def test_json(tmp_path: Path) -> None:
    """--json gives the findings to other programs, for a config that is right and for one that is not."""
    right = json.loads(run(tmp_path, DESIGN, "--json").output)
    wrong = json.loads(run(tmp_path, "dry_run: 1", "--json").output)

    assert (right["ok"], right["starts"], right["dry_run"]) == (True, True, True)
    assert (right["mistakes"], right["unavailable"]) == ([], [])
    assert (wrong["ok"], wrong["starts"]) == (False, False)
    assert wrong["mistakes"] == [{"line": 1, "path": "dry_run", "message": "expected true or false, got the number 1"}]


def test_credentials_work(tmp_path: Path, ci: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """--credentials asks each CI, and says that it lets us in."""
    monkeypatch.setenv("TRIGGERBOT_TEST_TOKEN", "right-and-long-enough")
    result = run(tmp_path, CONFIG.replace("http://127.0.0.1:9", ci), "--credentials")

    assert result.exit_code == 0, result.output
    assert "credentials of ci: OK" in result.output


def test_credentials_are_refused(tmp_path: Path, ci: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CI that does not let us in, or is not there, is named; the exit code is 1."""
    monkeypatch.setenv("TRIGGERBOT_TEST_TOKEN", "wrong")
    for address in (ci, "http://127.0.0.1:9"):
        result = run(tmp_path, CONFIG.replace("http://127.0.0.1:9", address), "--credentials")

        assert result.exit_code == 1, result.output
        assert "credentials of ci: failed" in result.output
        assert "wrong" not in result.output


def test_credentials_are_missing(tmp_path: Path) -> None:
    """Credentials that cannot be read cannot work: the place and the remedy are named; the exit code is 1."""
    result = run(tmp_path, CONFIG, "--credentials")

    assert result.exit_code == 1
    assert "credentials of ci: failed" in result.output
    assert "set the environment variable TRIGGERBOT_TEST_TOKEN" in result.output


def test_hostile_text(tmp_path: Path) -> None:
    """What a config contains cannot steer the terminal, nor be taken for markup."""
    text = '"a\\e[31m[bold]": 1\n"rules": [{projects: ["[red]x\\e[0m"]}]'
    result = run(tmp_path, text)

    assert result.exit_code == 2
    assert "\x1b" not in result.output
    assert "[bold]" in result.output

    result = run(tmp_path, 'rules: [{projects: ["[red]x\\e[0m"]}]')

    assert result.exit_code == 0
    assert "\x1b" not in result.output
    assert "[red]x" in result.output


def test_hostile_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor can what a CI answers when its credentials are tried."""
    monkeypatch.setenv("TRIGGERBOT_TEST_TOKEN", "right-and-long-enough")
    with FakeCI() as fake:
        fake.fault("recent", status=403, body=b"\x1b]0;owned\x07 \xc2\x9b31m \xe2\x80\xaegnp.exe")
        result = run(tmp_path, CONFIG.replace("http://127.0.0.1:9", fake.url), "--credentials")

    assert result.exit_code == 1
    assert r"\x1b]0;owned\x07 \x9b31m \u202egnp.exe" in result.output
    assert not set(result.output) & {"\x1b", "\x07", "\x9b", "\u202e"}


def test_help() -> None:
    """The help says what it does, and what the exit codes mean."""
    result = CliRunner().invoke(check, ["--help"])

    assert result.exit_code == 0
    assert "Nothing is started and nothing is triggered." in result.output
    assert "Exit code" in result.output


@pytest.mark.parametrize(("pushes", "warned"), [(["old"], True), (["old", "ci"], False), (["ci"], False), ([], False)])
def test_a_system_that_was_renamed_is_noticed(tmp_path: Path, pushes: list[str], warned: bool) -> None:
    """The store has pushes of another one, and none of this; the remedy is to keep the name."""
    store = open_file(tmp_path / "state.db")
    for name in pushes:
        store.observe([Observation(failure(push=push(system=name)), Triage(failed=True))], 1.0, dry=False)
    store.close()
    before = (tmp_path / "state.db").read_bytes()

    result = run(tmp_path, f"store: sqlite:{tmp_path / 'state.db'}\n{CONFIG}")

    words = (
        "warning: systems: the store has pushes of old, which the config does not name, and none of ci: if that is the "
        "same CI, keep the name, for under a new one claims and budgets begin anew"
    )
    assert (words in result.output) is warned
    assert result.exit_code == 0
    assert (tmp_path / "state.db").read_bytes() == before


def test_a_check_makes_no_store_and_changes_none(tmp_path: Path) -> None:
    """One that is not there, and one of another version, tell nothing of systems."""
    text = f"store: sqlite:{tmp_path / 'state.db'}\n{CONFIG}"
    assert run(tmp_path, text).exit_code == 0
    assert not (tmp_path / "state.db").exists()
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        connection.execute("PRAGMA user_version = 1")

    result = run(tmp_path, text)

    assert (result.exit_code, "the store has" in result.output) == (0, False)


def test_a_redis_that_cannot_be_reached_is_not_waited_for(tmp_path: Path) -> None:
    """A config can be checked anywhere."""
    assert run(tmp_path, f"store: redis://127.0.0.1:9/0\n{CONFIG}").exit_code == 0


def test_a_ci_that_cannot_be_reached(tmp_path: Path) -> None:
    """The address is named, and what to look at."""
    result = run(tmp_path, "systems:\n  ci: {type: generic, url: 'http://127.0.0.1:9'}\n", "--credentials")

    assert "no connection to http://127.0.0.1:9: ConnectError" in result.output
    assert "see whether that is its url, and whether it can be reached from here" in result.output
