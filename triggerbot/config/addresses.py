"""Addresses of brokers and stores: what they must be like, and which of them lead over a network unprotected."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from triggerbot.config.yaml_reader import Document
from triggerbot.core import sentinel
from triggerbot.core.errors import Problem

AMQP = r"^amqps?://\S+$"
STORE = r"^(sqlite:(?!//[^/])\S.*|rediss?(\+sentinel)?://\S+|unix://\S+)$"
#: What others call it.
_ALMOST_SENTINEL = ("sentinel", "sentinels", "redis-sentinel", "redis_sentinel", "rediss-sentinel")
CLUSTER = "Redis Cluster will not do, for one transaction changes what a cluster keeps on several servers"
#: The port of AMQP over TLS.
TLS_PORT = 5671

BROKER_OPEN = (
    "messages and password would travel unencrypted to another machine: write amqps://, or insecure: true beside the "
    "url if nobody else can listen in there"
)
STORE_OPEN = (
    "what is stored would travel to another machine unencrypted, or to one that nobody checks: write rediss:// (or "
    "rediss+sentinel://, and leave its certificate checked), or store_insecure: true if nobody else can listen in there"
)


def is_broker(address: str) -> bool:
    """Return whether this can be the address of a broker."""
    return re.fullmatch(AMQP, address) is not None and _is_readable(address)


def is_store(address: str) -> bool:
    """Return whether this can be the address of a store."""
    if re.fullmatch(STORE, address) is None:
        return False
    if sentinel.is_sentinel(address):
        return why_no_sentinel(address) is None
    return address.startswith("sqlite:") or _is_readable(address)


def why_no_sentinel(address: str) -> str | None:
    """Return what is wrong with the address of a Redis behind Sentinel, and what is right, without repeating it."""
    scheme = address.partition(":")[0]
    if scheme in _ALMOST_SENTINEL:
        return f"a Redis behind Sentinel is written {sentinel.FORM}"
    if "cluster" in scheme:
        return CLUSTER
    if address.startswith(("redis://", "rediss://")) and "," in address.partition("?")[0].rpartition("@")[2]:
        return f"several hosts are those of Sentinel ({sentinel.FORM}); {CLUSTER}"
    if not sentinel.is_sentinel(address):
        return None
    try:
        sentinel.parse(address)
    except ValueError as error:
        return str(error)
    return None


def _is_readable(address: str) -> bool:
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False


def is_loopback(address: str) -> bool:
    """Return whether a URL surely points to this machine; a name other than localhost never does."""
    if sentinel.is_sentinel(address):
        return all(is_here(host) for host, _ in sentinel.parse(address).sentinels)
    return is_here(urlsplit(address).hostname or "")


def is_here(host: str) -> bool:
    """Return whether a host surely is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def has_tls(address: str) -> bool:
    """Return whether a broker is reached over TLS: by the scheme, the port, or `?ssl=1`."""
    parts = urlsplit(address)
    asked = parse_qs(parts.query).get("ssl", ["0"])[0] not in "0"
    return parts.scheme == "amqps" or parts.port == TLS_PORT or asked


def is_open_broker(address: str) -> bool:
    """Return whether others could read or forge the messages of a broker on their way."""
    return not has_tls(address) and not is_loopback(address)


def is_open_store(address: str) -> bool:
    """Return whether others could read or forge what is exchanged with a store."""
    if address.startswith(("sqlite:", "unix:")) or is_loopback(address):
        return False
    return address.startswith(("redis:", "redis+sentinel:")) or not _is_checked(address)


def _is_checked(address: str) -> bool:
    """Return whether the certificate of a `rediss` address is checked: its query can turn that off."""
    query = parse_qs(address.partition("?")[2].partition("#")[0], keep_blank_values=True)
    requirement = query.get("ssl_cert_reqs", ["required"])
    return requirement == ["required"] and "ssl_check_hostname" not in query


def unprotected(document: Document) -> Iterator[Problem]:
    """Check that what is sent to other machines is encrypted; on what was written, with the config's other mistakes."""
    top = document.value if isinstance(document.value, dict) else {}
    store = top.get("store")
    if isinstance(store, str) and is_store(store) and is_open_store(store) and top.get("store_insecure") is not True:
        yield document.problem(("store",), STORE_OPEN)
    intakes = top.get("intakes")
    for position, intake in enumerate(intakes if isinstance(intakes, tuple) else ()):
        pulse: Any = intake.get("pulse") if isinstance(intake, dict) else None
        url = pulse.get("url") if isinstance(pulse, dict) else None
        if isinstance(url, str) and is_broker(url) and is_open_broker(url) and pulse.get("insecure") is not True:
            yield document.problem(("intakes", position, "pulse", "url"), BROKER_OPEN)
