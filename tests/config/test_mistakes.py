"""Each mistake in a config is reported with its line, its path and the remedy, and never with a secret."""

import pytest

from tests.config.examples import rule, system
from triggerbot.cli.config import loads
from triggerbot.core.errors import ConfigError, Problem


def mistakes(text: str) -> tuple[Problem, ...]:
    """Load an invalid config, and return its problems."""
    with pytest.raises(ConfigError) as caught:
        loads(text, "x.yml")
    return caught.value.problems


#: text -> line, path, words in the message
FX = "systems:\n  fx:\n    type: taskcluster\n    url: https://tc.example\n    "

GH = "systems: {gh: {type: github, token: env:A}}\n\n"

MISTAKES = [
    (
        GH + "reports: [github: {system: gh, check: false, comment: true, merge_queue: {required_check: true}}]",
        3,
        "reports[0].github",
        "which check: false turns off",
    ),
    (
        GH + "reports: [github: {system: gh, merge_queue: {required_check: true, timeout: soon}}]",
        3,
        "reports[0].github.merge_queue.timeout",
        "expected a duration",
    ),
    (FX + "client_id: a", 2, "systems.fx", "client_id and access_token belong together"),
    (FX + "certificate: env:C", 2, "systems.fx", "add client_id and access_token"),
    (FX + "classify: {session: env:A, csrf: env:B}", 2, "systems.fx", "add treeherder: https://"),
    (FX + "pushes: [{projects: [a]}]", 5, "systems.fx.pushes[0]", "exactly one of hg and github"),
    (FX + "pushes: [{hg: 'https://h/{project}', github: 'https://g'}]", 5, "systems.fx.pushes[0]", "exactly one"),
    (FX + "pushes: [{hg: 'https://h/{repo}'}]", 5, "systems.fx.pushes[0].hg", "only {project} can be filled in"),
    (FX + "pushes: [{hg: 'https://h/', token: env:A}]", 5, "systems.fx.pushes[0]", "hg is read without one"),
    (FX + "pushes: [{hg: 'https://h/', zzz: 1}]", 5, "systems.fx.pushes[0].zzz", "known keys: projects, hg"),
    (FX + "access_token: hunter2hunter2", 5, "systems.fx.access_token", "env:NAME"),
    (FX + "treeherder: [1]", 5, "systems.fx.treeherder", "expected an address"),
    ("systems:\n  th: {type: treeherder, taskcluster: fx}", 2, "systems.th.taskcluster", "of type taskcluster"),
    (
        "systems:\n  ci: {type: generic, url: 'http://c'}\n  th: {type: treeherder, taskcluster: ci}",
        3,
        "systems.th.taskcluster",
        "there is no system 'ci' of type taskcluster",
    ),
    ("systems:\n  th: {type: treeherder, classify: {session: env:A}}", 2, "systems.th.classify.csrf", "is missing"),
    (
        GH + "intakes:\n  - pulse: {system: gh, url: 'amqps://h/', queue: q, bindings: [{exchange: e}]}",
        4,
        "intakes[0].pulse.system",
        "GitHub sends no messages",
    ),
    (rule("retrys: 3"), 3, "rules[0].retrys", "did you mean 'retries'? known keys: projects, branches"),
    (rule("zzz: 3"), 3, "rules[0].zzz", "unknown key; known keys:"),
    (
        rule("merge_queue: {}"),
        3,
        "rules[0].merge_queue",
        "unknown key here: it belongs to reports[].github; known keys",
    ),
    (rule("reserve: 5"), 3, "rules[0].reserve", "it belongs to a system of type github;"),
    ("superseded: skip", 1, "superseded", "it belongs to rules[];"),
    ("requeue: true", 1, "requeue", "it belongs to reports[].github.merge_queue;"),
    (rule("dry_run: true"), 3, "rules[0].dry_run", "it belongs to the top level of the file;"),
    (
        rule("superseded: {keep: [x]}"),
        3,
        "rules[0].superseded",
        "each holds, such as {skip: ['*'], retrigger: ['release/*']}, got the key 'keep'",
    ),
    (rule("superseded: ignore"), 3, "rules[0].superseded", "got text 'ignore'"),
    (
        GH + "reports: [github: {system: gh, merge_queue: {timeout: 0s}}]",
        3,
        "reports[0].github.merge_queue.timeout",
        "above zero",
    ),
    (
        GH + f"reports: [github: {{system: gh, streaks: [main], labels: [{'x' * 51}]}}]",
        3,
        "reports[0].github.labels[0]",
        "expected at most 50 characters, got 51",
    ),
    (rule("retries: '2'"), 3, "rules[0].retries", "expected a whole number, got text '2'"),
    (rule("retries: 2.0"), 3, "rules[0].retries", "expected a whole number, got the number 2.0"),
    (rule("retries: true"), 3, "rules[0].retries", "expected a whole number, got true"),
    (rule("retries: 21"), 3, "rules[0].retries", "expected 0 to 20, got the number 21"),
    (rule("retries: -1"), 3, "rules[0].retries", "expected 0 to 20"),
    (rule("retries:"), 3, "rules[0].retries", "expected a whole number, got nothing"),
    (rule("retries: [2]"), 3, "rules[0].retries", "expected a whole number, got a list"),
    (rule("retries: [2]"), 3, "rules[0].retries", "got a list; or write {evidence: 5%, max: 4}"),
    (rule("retries: {max: 4}"), 3, "rules[0].retries.evidence", "this key is missing"),
    (rule("retries: {}"), 3, "rules[0].retries.evidence", "this key is missing"),
    (rule("retries: {evidence: 5}"), 3, "rules[0].retries.evidence", "a share needs its unit: write 5%"),
    (rule("retries: {evidence: 0%}"), 3, "rules[0].retries.evidence", "above 0% and up to 50%, such as 5%, got text"),
    (rule("retries: {evidence: 51%}"), 3, "rules[0].retries.evidence", "up to 50%"),
    (rule("retries: {evidence: true}"), 3, "rules[0].retries.evidence", "up to 50%"),
    (rule("retries: {evidence: 5%, max: 0}"), 3, "rules[0].retries.max", "expected 1 to 20, got the number 0"),
    (rule("retries:\n      evidence: 5%\n      max: 21"), 5, "rules[0].retries.max", "expected 1 to 20"),
    (rule("retries: {evidence: 5%, maximum: 4}"), 3, "rules[0].retries.maximum", "did you mean 'max'?"),
    (rule("same_cause: last"), 3, "rules[0].same_cause", "expected first or each, got text 'last'"),
    (rule("same_cause:"), 3, "rules[0].same_cause", "expected first or each, got nothing"),
    (rule("same_cause: [first]"), 3, "rules[0].same_cause", "expected first or each"),
    (rule("expect: 26h"), 3, "rules[0].expect", "expected a mapping"),
    (rule("expect: {}"), 3, "rules[0].expect.every", "missing"),
    (rule("branches: [main]\n    expect: {every: 0h}"), 4, "rules[0].expect.every", "expected a duration above zero"),
    (rule("branches: [main]\n    expect: {every: 1h, of: x}"), 4, "rules[0].expect.of", "unknown key"),
    (rule("expect: {every: 26h}"), 3, "rules[0].expect", "it needs branches by name, and there are only patterns"),
    (
        "rules:\n  - projects: ['*']\n    branches: [main]\n    expect: {every: 1h}",
        4,
        "rules[0].expect",
        "needs projects",
    ),
    (
        rule("calibration: 0.5"),
        3,
        "rules[0].calibration",
        "a share needs its unit: write 0.5% or 50%, whichever is meant",
    ),
    (rule("calibration: 0.7"), 3, "rules[0].calibration", "a share needs its unit: write 0.7%"),
    (rule("calibration: 0"), 3, "rules[0].calibration", "such as 5%, or off, got the number 0"),
    (rule("retries: {evidence: 0.05}"), 3, "rules[0].retries.evidence", "write 0.05% or 5%, whichever is meant"),
    (rule("retries: {evidence: 60}"), 3, "rules[0].retries.evidence", "up to 50%, such as 5%, got the number 60"),
    (rule("base_branch: release/*"), 3, "rules[0].base_branch", "the name of one branch, and no pattern"),
    (rule("calibration: 0%"), 3, "rules[0].calibration", "above 0% and up to 50%, such as 5%, or off, got text '0%'"),
    (rule("calibration: true"), 3, "rules[0].calibration", "up to 50%, such as 5%, or off"),
    (rule("calibration:"), 3, "rules[0].calibration", "or off, got nothing"),
    (rule("opt_in: yes"), 3, "rules[0].opt_in", "expected true or false, got text 'yes'"),
    (rule("branches: main"), 3, "rules[0].branches", "expected a list, such as [a, b], got text 'main'"),
    (rule("branches: []"), 3, "rules[0].branches", "at least one entry"),
    (rule("branches: [a, 1.10]"), 3, "rules[0].branches[1]", "expected text (in quotes"),
    (rule("branches: ['']"), 3, "rules[0].branches[0]", "must not be empty"),
    (
        rule("kinds: [tests]"),
        3,
        "rules[0].kinds[0]",
        "'test', 'build', 'other' or 'workflow', got text 'tests'; did you mean 'test'",
    ),
    (rule("results: [failure, cancelled]"), 3, "rules[0].results[1]", "'cancelled' is never retriggered"),
    (rule("results: [retry]"), 3, "rules[0].results[0]", "'retry' is never retriggered (the CI retries it by itself)"),
    (rule("results:\n      - skipped"), 4, "rules[0].results[0]", "'skipped' is never retriggered"),
    (rule("results: [fail]"), 3, "rules[0].results[0]", "expected 'failure'"),
    (rule("max_tier: -1"), 3, "rules[0].max_tier", "expected 0 or more"),
    (rule("requested: {max: 101}"), 3, "rules[0].requested.max", "expected 0 to 100"),
    (rule("requested: {groups: {Talos: ['*']}}"), 3, "rules[0].requested.groups.Talos", "small letters"),
    (rule("budget: 5"), 3, "rules[0].budget", "expected a mapping (keys, each with a value), got the number 5"),
    (rule("budget: {percent: 101}"), 3, "rules[0].budget.percent", "expected 0 to 100"),
    (rule("budget: {percent: .nan}"), 3, "rules[0].budget.percent", "expected a number"),
    (rule("budget: {percent: 1e999}"), 3, "rules[0].budget.percent", "expected"),
    (rule("budget: {floor: -1}"), 3, "rules[0].budget.floor", "expected 0 or more"),
    (rule("lookup: {delay: 90}"), 3, "rules[0].lookup.delay", "write 90s"),
    (rule("lookup: {delay: 1.5h}"), 3, "rules[0].lookup.delay", "a duration such as 500ms, 60s"),
    ("rules:\n  - branches: [a]", 2, "rules[0].projects", "this key is missing: Projects to watch"),
    ("rules: {projects: [a]}", 1, "rules", "expected a list, such as [a, b], got a mapping"),
    ("rules:\n  - try", 2, "rules[0]", "expected a mapping"),
    ("rules:\n  - {projects: [&p p, *p]}\n  - {}", 3, "rules[1].projects", "missing"),
    ("\nretention: 14", 2, "retention", "write 14s"),
    ("retention: 0d", 1, "retention", "above zero"),
    ("retention: 99999d", 1, "retention", "at most 3650d"),
    ("listen: 8080", 1, "listen", "expected HOST:PORT"),
    ("listen: ':8080'", 1, "listen", "expected HOST:PORT"),
    ("listen: a:70000", 1, "listen", "port up to 65535"),
    ("listen: '[1.2]:80'", 1, "listen", "IPv6"),
    ("store: state.db", 1, "store", "expected sqlite:PATH"),
    ("store: sqlite://state.db", 1, "store", "right after the colon"),
    ("dry_run: 1", 1, "dry_run", "true or false"),
    ("systems: [a]", 1, "systems", "expected a mapping"),
    ("systems:\n  a b: {type: generic, url: http://a}", 2, "systems.a b", "letters, digits"),
    ("systems:\n  ci: {url: http://a}", 2, "systems.ci", "one of generic, github"),
    ("systems:\n  ci: {type: gitlab}", 2, "systems.ci", "not in this version yet; available: generic, github"),
    ("systems:\n  ci: {type: gitub}", 2, "systems.ci", "did you mean 'github'"),
    ("systems:\n  ci: {type: [x]}", 2, "systems.ci", "generic, github, taskcluster or treeherder"),
    ("systems:\n  ci: {type: generic}", 2, "systems.ci.url", "missing"),
    ("systems:\n  ci:\n    type: generic\n    url: ci.example", 4, "systems.ci.url", "https://ci.example.org"),
    ("systems:\n  ci: {type: generic, url: 'http://a:x'}", 2, "systems.ci.url", "https://ci.example.org"),
    ("systems:\n  ci: {type: generic, url: 'http://[a'}", 2, "systems.ci.url", "https://ci.example.org"),
    ("systems:\n  ci: {type: generic, url: 'http://u:p@a'}", 2, "systems.ci.url", "must not contain credentials"),
    (system("grace: 60"), 5, "systems.ci.grace", "write 60s"),
    (system("sweep: 0s"), 5, "systems.ci.sweep", "above zero"),
    (system("forks: true"), 5, "systems.ci.forks", "unknown key"),
    (system("token:"), 5, "systems.ci.token", "env:NAME"),
    (system("webhook_secret: []"), 5, "systems.ci.webhook_secret", "at least one"),
    (system("webhook_secret:\n      - env:A\n      - B"), 7, "systems.ci.webhook_secret[1]", "env:NAME"),
    ("systems:\n  gh: {type: github}", 2, "systems.gh", "add token: env:GITHUB_TOKEN, or app"),
    ("systems:\n  gh: {type: github, token: env:A, app: {id: 1, key: env:B}}", 2, "systems.gh", "exactly one"),
    ("systems:\n  gh: {type: github, app: }", 2, "systems.gh.app", "got nothing"),
    ("systems:\n  gh: {type: github, app: {id: true, key: env:B}}", 2, "systems.gh.app.id", "such as 123456"),
    (
        "systems:\n  gh: {type: github, token: env:A, repositories: ['a/*']}",
        2,
        "systems.gh.repositories[0]",
        "owner/name",
    ),
    ("intakes:\n  - poll: {system: ci}", 2, "intakes[0].poll.system", "there is no system 'ci'; systems: none"),
    (
        system("{}").replace("    {}\n", "intakes: [poll: {system: c1}]"),
        5,
        "intakes[0].poll.system",
        "there is no system",
    ),
    ("intakes:\n  - {}", 2, "intakes[0]", "exactly one of pulse, poll and file"),
    ("intakes:\n  - poll:", 2, "intakes[0].poll", "got nothing"),
    ("intakes:\n  - webhook: {}", 2, "intakes[0].webhook", "known keys: pulse, poll, file"),
    ("intakes:\n  - pulse: {system: a, url: http://b, queue: c, bindings: []}", 2, "intakes[0].pulse.url", "amqps://"),
    ("dry_run: true\ndry_run: false", 2, "dry_run", "given twice, on line 1 and line 2"),
    ("systems: {}\nmax_body: 1MB", 2, "max_body", "unknown key"),
    ("1: 2", 1, "1", "unknown key"),
    ("? [a]\n: b", 1, "", "a key must be plain text"),
    ("listen: !secret x", 1, "", "YAML tags"),
    ('store: "sqlite:\\0"', 1, "store", "character that is none"),
]


@pytest.mark.parametrize(("text", "line", "path", "words"), MISTAKES)
def test_mistake_is_named(text: str, line: int, path: str, words: str) -> None:
    """Each mistake has its line, its path, and what would be right."""
    found = mistakes(text)

    assert (line, path) in [(problem.line, problem.path) for problem in found]
    assert any(words in problem.message for problem in found if (problem.line, problem.path) == (line, path)), found


#: text -> line, words in the message
NOT_READABLE = [
    ("", None, "the file is empty; begin with"),
    ("# nothing", None, "the file is empty"),
    ("- a", 1, "expected a mapping"),
    ("hunter2", 1, "got text"),
    ("a:\n\tb: 1", 2, "a tab"),
    ("rules:\n - projects: [*]", 2, 'put a pattern in quotes, such as "*"'),
    ("rules:\n - projects: [*x]", 2, "put a pattern in quotes"),
    ("a: 1\nb: [1, 2\nc: 3", 2, "a bracket is not closed"),
    ("a: 1\nb: 'x\nc: 3", 2, "closing quote"),
    ("a: b: c", 1, "a second colon"),
    ("a\nb\n", 1, "expected a mapping"),
    ("a: 1\n---\nb: 2", 2, "only one document"),
    ("%YAML 3.0\n--- {}", 1, "%YAML"),
    ("a: @b", 1, "put it in quotes"),
    ("a: !<", 1, "! begins a tag"),
    ("a: \x01", 1, "control character"),
    ('"\\UFFFFFFFF": 1', None, "escape"),
    ("[" * 5000, 1, "nested more than 40 levels"),
    ("a: &a [*a]", 1, "aliases"),
    ("rules: [" + "x," * 60_000 + "]", 1, "more than 50000 values"),
    ("#" * 1_000_001, None, "larger than 1000000 bytes"),
]


@pytest.mark.parametrize(("text", "line", "words"), NOT_READABLE)
def test_not_readable(text: str, line: int | None, words: str) -> None:
    """Invalid YAML, or YAML beyond what a config needs, is refused in one sentence."""
    (problem, *_) = mistakes(text)

    assert problem.line == line
    assert words in problem.message


def test_alias_bomb() -> None:
    """Aliases of aliases are refused long before they fill the memory."""
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 9)]
    found = mistakes("l0: &l0 [x]\n" + "\n".join(levels))

    assert "aliases" in found[0].message


def test_aliases_are_fine() -> None:
    """A harmless alias is expanded."""
    first, second = loads("rules: [{projects: [a], jobs: &j [x]}, {projects: [b], jobs: *j}]").rules

    assert first.jobs == second.jobs


def test_all_at_once() -> None:
    """All mistakes are reported together, in the order of their lines."""
    found = mistakes("dry_run: 1\nintakes: [{poll: {system: x}}]\nrules: [{retries: a}]\nlisten: 1\nlisten: 2\nfoo: 1")

    assert [problem.line for problem in found] == [1, 2, 3, 3, 4, 5, 6]


def test_not_endlessly_many() -> None:
    """Of very many mistakes the first hundred are reported."""
    found = mistakes("rules: [" + "x," * 500 + "]")

    assert len(found) == 101
    assert "only the first 100" in found[-1].message


def test_wrong_entries_are_not_called_missing() -> None:
    """A list whose only entry is wrong is not also reported as empty."""
    assert len(mistakes(rule("kinds: [tests]"))) == 1


SECRET = "hunter2-4711"


@pytest.mark.parametrize(
    "text",
    [
        system(f"token: {SECRET}"),
        system(f"webhook_secret: {SECRET}"),
        system(f"webhook_secret: [env:A, {SECRET}]"),
        system(f"webhook_secret: {{a: {SECRET}}}"),
        system(f"token: [{SECRET}]"),
        system(f"token: |\n      -----BEGIN\n      {SECRET}"),
        system(f"token: *{SECRET}"),
        system(f"token: !{SECRET} x"),
        system(f"token: '{SECRET}"),
        f"systems: {{ci: {SECRET}}}",
        f"systems: {SECRET}",
        f"systems: {{gh: {{type: github, app: {SECRET}}}}}",
        f"systems: {{gh: {{type: github, app: {{id: 1, key: {SECRET}}}}}}}",
        f"systems: {{gh: {{type: github, token: env:A, url: 'https://u:{SECRET}@h'}}}}",
        f"systems: {{gh: {{type: github, token: env:A, url: '{SECRET}'}}}}",
        f"intakes: [{{pulse: {{system: ci, url: 'http://u:{SECRET}@h'}}}}]",
        f"store: 'rediss//:{SECRET}@host'",
        f"tokn: {SECRET}",
        SECRET,
    ],
)
def test_secrets_are_never_repeated(text: str) -> None:
    """No message about an invalid secret repeats it."""
    with pytest.raises(ConfigError) as caught:
        loads(text, "x.yml")

    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)
