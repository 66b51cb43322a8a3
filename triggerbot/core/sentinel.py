"""Addresses of a Redis that Sentinel watches over: whom to ask, for which service, and how to log in."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

SCHEMES = ("redis+sentinel", "rediss+sentinel")
FORM = "redis+sentinel://HOST:26379,HOST2:26379,HOST3:26379/SERVICE/DB"
#: The port of a sentinel, unless another is named.
_PORT = 26379


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """Such an address, taken apart."""

    sentinels: tuple[tuple[str, int], ...]
    service: str
    database: int
    tls: bool
    #: For the data servers; the sentinels' own are in the query.
    username: str | None = field(repr=False)
    password: str | None = field(repr=False)
    #: The client's options, as texts.
    query: dict[str, str] = field(repr=False)


def is_sentinel(address: str) -> bool:
    """Return whether this is meant to be such an address."""
    return address.partition(":")[0] in SCHEMES


def parse(address: str) -> SentinelAddress:
    """Parse an address. Raises `ValueError`, which says what is right, and nothing of what was written."""
    scheme, _, rest = address.partition("://")
    before, _, query = rest.partition("?")
    place, _, path = before.partition("/")
    user, at, hosts = place.rpartition("@")
    service, *more = path.split("/")
    if not service:
        raise ValueError(f"it names no service, which is what the sentinels call the master: write {FORM}")
    if len(more) > 1 or not all(one.isdecimal() for one in more if one):
        raise ValueError(f"after the service comes nothing but the number of the database: write {FORM}")
    if "#" in rest:
        raise ValueError("it has a #: write %23 where one belongs to a name or a password")
    name, _, password = user.partition(":")
    return SentinelAddress(
        tuple(_sentinel(one) for one in hosts.split(",")),
        unquote(service),
        int(more[0]) if more and more[0] else 0,
        scheme.startswith("rediss"),
        unquote(name) or None if at else None,
        unquote(password) or None if at else None,
        dict(parse_qsl(query, keep_blank_values=True)),
    )


def _sentinel(written: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{written}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or "@" in written or written.endswith(":") or port == 0:
        raise ValueError(f"each sentinel is a host, or host:port, and they are parted by commas: write {FORM}")
    return host, _PORT if port is None else port
