"""Brokers and stores on other machines: reached over TLS, unless the config allows plain text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config.examples import system
from triggerbot.cli.config import loads
from triggerbot.config import PulseSettings
from triggerbot.core.errors import ConfigError

HERE = ["127.0.0.1", "127.8.9.1", "localhost", "[::1]", "me.localhost"]
#: Names from a compose file or a private network are other machines as well.
ELSEWHERE = ["redis", "rabbitmq", "10.0.0.1", "192.168.1.1", "[fe80::1]", "0.0.0.0", "localhost.example", "mq.example"]


def pulse(url: str, more: str = "") -> str:
    """Write a config with a broker, at line 5."""
    return (
        system("sweep: 5m")
        + f"intakes:\n- pulse: {{system: ci, url: '{url}', queue: q, bindings: [{{exchange: e}}]{more}}}"
    )


def mistakes(text: str) -> list[tuple[str, str]]:
    """Load a config; return the places and messages of its mistakes."""
    try:
        loads(text, "x.yml")
    except ConfigError as error:
        return [(problem.path, problem.message) for problem in error.problems]
    return []


@pytest.mark.parametrize("host", ELSEWHERE)
def test_plain_text_to_another_machine_is_a_mistake(host: str) -> None:
    """For the store and for a queue; the message names the secure form, and the key that allows plain text."""
    ((path, message),) = mistakes(f"store: 'redis://{host}:6379/0'")
    assert path == "store"
    assert "write rediss://" in message
    assert "store_insecure: true" in message
    ((path, message),) = mistakes(pulse(f"amqp://{host}:5672/"))
    assert path == "intakes[0].pulse.url"
    assert "write amqps://" in message
    assert "insecure: true" in message


@pytest.mark.parametrize("host", ELSEWHERE)
def test_it_can_be_allowed(host: str) -> None:
    """An operator may allow it where nobody else can listen in, for store and queue separately."""
    assert mistakes(f"store: 'redis://{host}:6379/0'\nstore_insecure: true") == []
    assert mistakes(pulse(f"amqp://{host}/", ", insecure: true")) == []
    assert mistakes(pulse(f"amqp://{host}/") + "\nstore_insecure: true") != []
    assert mistakes(f"store: 'redis://{host}:6379/0'\nstore_insecure: false") != []


@pytest.mark.parametrize("host", HERE)
def test_this_machine_needs_no_tls(host: str) -> None:
    """Nobody else can listen in on the loopback."""
    assert mistakes(f"store: 'redis://{host}:6379/0'") == []
    assert mistakes(pulse(f"amqp://{host}:5672/")) == []
    assert mistakes("store: unix:///run/redis.sock") == []


@pytest.mark.parametrize(
    ("hosts", "more", "plain_is_right"),
    [
        ("127.0.0.1,localhost:26380,[::1]", "", True),
        ("127.0.0.1,redis:26380,[::1]", "", False),
        ("redis", "", False),
        ("redis", "\nstore_insecure: true", True),
    ],
)
def test_sentinels(hosts: str, more: str, plain_is_right: bool) -> None:
    """Plain text is right if each of them is on this machine, or where an operator allows it; TLS always is."""
    found = mistakes(f"store: 'redis+sentinel://me:pw@{hosts}/jobs/2'{more}")
    assert [path for path, _ in found] == ([] if plain_is_right else ["store"])
    assert all("rediss+sentinel://" in message for _, message in found)
    assert mistakes(f"store: 'rediss+sentinel://me:pw@{hosts}/jobs?ssl_ca_certs=/ca.pem&sentinel_password=x'") == []
    unchecked = mistakes(f"store: 'rediss+sentinel://me:pw@{hosts}/jobs?ssl_cert_reqs=none'{more}")
    assert [path for path, _ in unchecked] == ([] if plain_is_right else ["store"])


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("redis+sentinel://:hunter2@h:26379", "it names no service"),
        ("redis+sentinel://:hunter2@h:26379/", "it names no service"),
        ("redis+sentinel://:hunter2@h/jobs/x", "the number of the database"),
        ("redis+sentinel://:hunter2@h/jobs/0/1", "the number of the database"),
        ("rediss+sentinel://:hunter2@h,,i/jobs", "parted by commas"),
        ("redis+sentinel://:hunter2@h:99999/jobs", "host:port"),
        ("redis+sentinel://:hunter2@h:0/jobs", "host:port"),
        ("redis+sentinel://:hunter2@h:/jobs", "host:port"),
        ("redis+sentinel://:hunter2#@h/jobs", "%23"),
        ("sentinel://:hunter2@h:26379/jobs", "is written redis+sentinel://HOST"),
        ("redis-sentinel://:hunter2@h:26379/jobs", "is written redis+sentinel://HOST"),
        ("redis://:hunter2@h:1,i:2/0", "several hosts are those of Sentinel"),
        ("redis://:hunter2@h:1,i:2/0", "one transaction"),
        ("redis+cluster://:hunter2@h:1/0", "Redis Cluster will not do"),
    ],
)
def test_what_is_no_address_behind_sentinels(address: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is right is said, of the address nothing; also where it is kept elsewhere."""
    ((path, message),) = mistakes(f"store: '{address}'")
    assert path == "store"
    assert said in message
    monkeypatch.setenv("STORE", address)
    with pytest.raises(ConfigError) as refused:
        _ = loads("store: env:STORE", "x.yml").store_address
    assert said in str(refused.value)
    assert "hunter2" not in message + str(refused.value)


@pytest.mark.parametrize("url", ["amqps://mq.example/", "amqp://mq.example:5671/", "amqp://mq.example/?ssl=1"])
def test_a_broker_with_tls(url: str) -> None:
    """Every way to ask for TLS is accepted."""
    assert mistakes(pulse(url)) == []


@pytest.mark.parametrize(
    "query",
    [
        "ssl_cert_reqs=none",
        "ssl_cert_reqs=optional",
        "ssl_cert_reqs=",
        "ssl_check_hostname=false",
        "ssl_cert_reqs=required&ssl_cert_reqs=none",
    ],
)
def test_tls_that_checks_nothing_is_none(query: str) -> None:
    """An address can turn off the Redis client's certificate checks."""
    assert mistakes("store: rediss://redis.example/0?ssl_ca_certs=/ca.pem") == []
    assert [path for path, _ in mistakes(f"store: rediss://redis.example/0?{query}")] == ["store"]


def test_it_is_reported_with_the_other_mistakes() -> None:
    """All mistakes are reported at once."""
    text = pulse("amqp://mq.example/") + "\nstore: redis://redis/0\nretention: 5"

    assert sorted(path for path, _ in mistakes(text)) == ["intakes[0].pulse.url", "retention", "store"]


@pytest.mark.parametrize("address", ["amqp://[", "amqp://h:port/", "amqp://h:99999/", "amqps://h:0/"])
def test_what_is_no_address_of_a_broker(address: str) -> None:
    """It is a mistake as well, and not quoted, since it may hold a password."""
    ((path, message),) = mistakes(pulse(address))
    assert (path, address in message) == ("intakes[0].pulse.url", False)


@pytest.mark.parametrize("address", ["redis://[", "redis://h:port/", "rediss://h:99999/"])
def test_what_is_no_address_of_a_store(address: str) -> None:
    """A mistake, too."""
    ((path, message),) = mistakes(f"store: '{address}'")
    assert (path, address in message) == ("store", False)


def test_an_address_that_is_kept_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address in a secret is checked when it is read; nothing of it is shown."""
    config = loads(pulse("env:MQ") + "\nstore: env:STORE", "x.yml")
    environ = {"MQ": "amqp://me:hunter2@mq.example/", "STORE": "redis://:hunter2@redis/0"}

    assert [(one.path, "hunter2" in one.message) for one in config.missing_secrets(environ)] == [
        ("store", False), ("intakes[0].pulse.url", False)
    ]  # fmt: skip
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    (intake,) = config.intakes
    assert isinstance(intake, PulseSettings)
    with pytest.raises(ConfigError, match="env:MQ is an address to which messages and password would travel"):
        intake.address()
    with pytest.raises(ConfigError, match="store_insecure: true"):
        _ = config.store_address
    monkeypatch.setenv("STORE", "hunter2")
    with pytest.raises(ConfigError, match="env:STORE holds no address") as refused:
        _ = config.store_address
    assert "hunter2" not in str(refused.value)


def test_an_address_that_is_kept_elsewhere_can_be_allowed() -> None:
    """By the same keys."""
    config = loads(pulse("env:MQ", ", insecure: true") + "\nstore: env:STORE\nstore_insecure: true", "x.yml")

    assert config.missing_secrets({"MQ": "amqp://mq.example/", "STORE": "redis://redis/0"}) == ()


@given(
    st.sampled_from(["amqp", "amqps", "redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel"]),
    st.text(max_size=30),
)
def test_any_text_is_an_address_or_none(scheme: str, rest: str) -> None:
    """Nothing that looks like an address makes the check itself fail: it is right, or a mistake with its place."""
    address = json.dumps(f"{scheme}://{rest}")

    assert {path for path, _ in mistakes(pulse("@").replace("'@'", address))} <= {"intakes[0].pulse.url", ""}
    assert {path for path, _ in mistakes(f"store: {address}")} <= {"store", ""}


@pytest.mark.parametrize("listen", ["127.0.0.1:8080", "localhost:8080", "'[::1]:8080'", "127.8.9.1:1", "off"])
def test_on_this_machine_anybody_may_read(listen: str) -> None:
    """Unless the config says otherwise."""
    assert loads(f"listen: {listen}").anyone_reads
    assert not loads(f"listen: {listen}\npage: {{read: login}}").anyone_reads


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "'[::]:8080'", "10.0.0.1:8080", "triggerbot.lan:8080"])
def test_from_other_machines_only_who_has_logged_in_may_read(listen: str) -> None:
    """Unless the config says otherwise."""
    assert not loads(f"listen: {listen}").anyone_reads
    assert loads(f"listen: {listen}\npage: {{read: anyone}}").anyone_reads


def test_the_names_under_which_it_is_asked() -> None:
    """Of the address, of what it listens at, and further ones; in lower case, as browsers send them."""
    text = "listen: Bot.lan:8080\npage: {address: 'https://CI.example:8443/bot', hosts: [Other.example]}"
    assert loads(text).hosts == {"bot.lan", "ci.example", "other.example"}


@pytest.mark.parametrize("value", ["everybody", "[anyone]", "1", "''"])
def test_who_may_read_is_one_of_two(value: str) -> None:
    """The message names both."""
    ((path, message),) = mistakes(f"page: {{read: {value}}}")
    assert path == "page.read"
    assert message.startswith("expected anyone or login, got ")


@pytest.mark.parametrize("value", ["bot.example:8080", "https://bot.example", "a b", "''", "*.example", "-x", "1"])
def test_a_host_is_a_name(value: str) -> None:
    """Without anything around it."""
    ((path, message),) = mistakes(f"page: {{hosts: ['{value}', {value!r}]}}" if value != "1" else "page: {hosts: [1]}")[
        :1
    ]
    assert path == "page.hosts[0]"
    assert message.startswith("expected the name of a host")
