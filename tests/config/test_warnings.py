"""Valid configs that `check` warns of, or that `run` refuses."""

import pytest

from tests.config.examples import system
from triggerbot.cli.config import loads

GENERIC = "systems: {ci: {type: generic, url: http://ci.example}}\n"

FX = "systems:\n  fx: {type: taskcluster, url: https://tc.example}"
#: A Taskcluster that only retriggers what a Treeherder hears of.
SERVED = """
systems:
  fx: {type: taskcluster, url: 'https://t.example', client_id: a, access_token: env:A, sweep: off}
  th: {type: treeherder, taskcluster: fx}
rules: [{projects: [a]}]
intakes: [pulse: {system: th, url: 'amqps://h/', queue: q, bindings: [{exchange: e}]}]
"""

#: text -> line, path, words of the warning
WARNINGS = [
    ("rules:\n - {projects: [a, b]}\n - {projects: [b]}", 3, "rules[1]", "rules[0] covers"),
    ("rules:\n - {projects: ['*']}\n - {projects: [b*]}", 3, "rules[1]", "never applies"),
    ("rules:\n - {projects: [b*]}\n - {projects: [bc]}", 3, "rules[1]", "never applies"),
    ("retention: 1s", 1, "retention", "so soon"),
    ("rules:\n  - {projects: [a], retries: 5}\ncaps:\n  author: 4", 4, "caps.author", "at least 20"),
    ("rules:\n  - {projects: [a]}\ncaps:\n  project: 19", 4, "caps.project", "wait for ever: write at least 20"),
    ("listen: 0.0.0.0:80", 1, "listen", "nobody can log in"),
    ("listen: 0.0.0.0:80\npage: {read: login}", 1, "listen", "page.read: anyone"),
    ("listen: 0.0.0.0:80\npage:\n  read: anyone", 3, "page.read", "private ones, too"),
    ("page:\n  user_header: X-User\n  proxies: [127.0.0.1, 0.0.0.0/0]", 3, "page.proxies[1]", "who they are"),
    ("page:\n  user_header: X-User\n  proxies: ['::/0']", 3, "page.proxies[0]", "anybody in ::/0 could say in X-User"),
    ("store: 'sqlite::memory:'", 1, "store", "forgets"),
    (system("token: env:T"), 4, "systems.ci.url", "unencrypted"),
    (system("sweep: off"), 2, "systems.ci", "nothing tells of its runs"),
    (system("webhook_secret: env:A") + "listen: off", 5, "systems.ci.webhook_secret", "listen is off"),
    (GENERIC + "intakes: [poll: {system: ci}, poll: {system: ci}]", 2, "intakes[1]", "twice"),
    (
        "systems: {gh: {type: github, token: env:A}}\nintakes: [poll: {system: gh}]\nrules: [{projects: ['a/*']}]",
        2,
        "intakes[0].poll",
        "add repositories",
    ),
    (FX, 2, "systems.fx", "nothing can be retriggered"),
    ("reports: [webhook: {url: 'http://x.example/y'}]", 1, "reports[0].webhook.url", "unencrypted"),
    ("reports: [webhook: {url: 'https://x.example/y'}]", 1, "reports", "no link"),
    (
        "systems: {gh: {type: github, token: env:A}}\nreports: [github: {system: gh, merge_queue: {requeue: true}}]",
        2,
        "reports[0].github.merge_queue.requeue",
        "evictions are only heard of by webhooks",
    ),
    (
        "systems: {gh: {type: github, token: env:A}}\nreports: [github: {system: gh, commands: {}}]",
        2,
        "reports[0].github.commands",
        "only heard of by webhooks",
    ),
    (
        "systems: {gh: {type: github, token: env:A}}\nrules:\n - {projects: [a/b], events: [push, puhs]}",
        3,
        "rules[0].events[1]",
        "no job is run for an event 'puhs', as far as is known; did you mean 'push'?",
    ),
    ("store: redis://:pw@127.0.0.1:6379/0", 1, "store", "holds a password"),
    (
        GENERIC
        + "intakes: [pulse: {system: ci, url: 'amqps://pulse.mozilla.org/', queue: q, bindings: [{exchange: e}]}]",
        2,
        "intakes[0].pulse.queue",
        "begins with queue/",
    ),
    (FX, 2, "systems.fx", "nobody tells what is written in a push"),
    (FX, 2, "systems.fx", "add an intake pulse"),
    ("systems:\n  th: {type: treeherder}", 2, "systems.th", "without taskcluster: NAME"),
    (
        GENERIC + "intakes: [pulse: {system: ci, url: 'amqps://me:pw@h/', queue: q, bindings: [{exchange: e}]}]",
        2,
        "intakes[0].pulse.url",
        "holds a password",
    ),
]


@pytest.mark.parametrize(("text", "line", "path", "words"), WARNINGS)
def test_warning(text: str, line: int, path: str, words: str) -> None:
    """Valid but unlikely settings are warned of with their place."""
    found = loads(text, "x.yml").warnings

    assert any((p.line, p.path) == (line, path) and words in p.message for p in found), found


@pytest.mark.parametrize(
    "text",
    [
        "rules:\n - {projects: [a], branches: [x]}\n - {projects: [a]}",
        "rules:\n - {projects: [a]}\n - {projects: [a, b]}",
        "rules:\n - {projects: ['a*']}\n - {projects: ['?a']}",
        "systems: {ci: {type: generic, url: 'http://localhost:1', token: env:A}}\nrules: [{projects: [a]}]",
        "systems: {ci: {type: generic, url: 'http://[::1]:1', token: env:A}}\nrules: [{projects: [a]}]",
        "page: {user_header: X-User, proxies: [10.0.0.0/8, 127.0.0.1, 'fd00::/8']}\nlisten: 10.0.0.1:80",
        "page: {token: env:A, read: login}\nlisten: 0.0.0.0:80",
        "page: {read: anyone}",
        "rules: [{projects: [a], requested: {max: 3}}]\ncaps: {author: 3}",
        SERVED,
    ],
)
def test_no_false_warning(text: str) -> None:
    """A later rule may watch more, tokens may travel within this machine, and a system may only serve another."""
    assert loads(text).warnings == ()


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (GENERIC + "dry_run: false\nstore: rediss://h:6379/0\nrules: [{projects: [a]}]", []),
        (GENERIC + "dry_run: true", ["rules"]),
        ("dry_run: false\nrules: [{projects: [a]}]", ["systems"]),
        ("rules: [{projects: [a]}]", ["systems", "dry_run"]),
        ("dry_run: true", ["rules", "systems"]),
    ],
)
def test_unavailable(text: str, paths: list[str]) -> None:
    """A config without rules or systems loads, but is reported as one that `run` refuses."""
    assert [problem.path for problem in loads(text).unavailable] == paths
