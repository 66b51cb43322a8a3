"""The kinds of values that a config holds beyond plain text and numbers: what is right, and what to say if it is not.

Each is a validator that raises `ValueError` with a sentence for people, and a type that says the same as JSON Schema.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from triggerbot.config import addresses, secrets
from triggerbot.config.secrets import Secret
from triggerbot.config.yaml_reader import printable, shown
from triggerbot.core.model import Result
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.superseded import Superseded

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = r"^([0-9]{1,9})(ms|s|m|h|d)$"
_ABOVE_ZERO = r"^0*[1-9][0-9]{0,8}(ms|s|m|h|d)$"
_SHARE = r"^(?!0+(\.0+)?%$)([0-4]?[0-9](\.[0-9]{1,3})?|50(\.0{1,3})?)%$"
#: Seconds; what is longer is a slip, and would leave the range of dates.
_DURATION_MAX = 3650 * 86400.0

_URL = r"^https?://[^\s\x00-\x1f/?#@]+(/[^\s\x00-\x1f?#]*)?$"
_LISTEN = r"^(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):[0-9]{1,5}$"
_HOST = r"^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$"
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
GROUP = r"^[a-z0-9][a-z0-9-]*$"

#: Results that a rule may retrigger.
RESULTS = tuple(str(result) for result in Result if result.failed)


class Converted:
    """Reads a key in one form and stores what `convert` makes of it: `Annotated[Globs, Converted(texts, Globs)]`.

    The JSON Schema, and the places of mistakes, are those of the form.
    """

    def __init__(self, form: Any, convert: Callable[[Any], Any]) -> None:
        self.form = form
        self._convert = convert

    def __get_pydantic_core_schema__(self, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate as the form is, then convert."""
        return core_schema.no_info_after_validator_function(self._convert, handler.generate_schema(self.form))


class Holds:
    """Marks a key that a validator of its own reads: as a section in one of its forms, so that its keys are known."""

    def __init__(self, form: Any) -> None:
        self.form = form


def share(value: Any) -> float:
    """Read a share such as `5%` or `0.5%`, above none and up to a half."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        # What is meant by 0.05 nobody knows; what is not above none is no share with a unit either.
        possible = (value, 100 * value) if 0 < value < 1 else (value,)
        units = [f"{one:g}%" for one in possible if re.fullmatch(_SHARE, f"{one:g}%")]
        if units:
            meant = ", whichever is meant" if len(units) > 1 else ""
            raise ValueError(f"a share needs its unit: write {' or '.join(units)}{meant}")
    if not isinstance(value, str) or not re.fullmatch(_SHARE, value):
        raise ValueError(f"expected a share above 0% and up to 50%, such as 5%, got {shown(value)}")
    return float(value.rstrip("%")) / 100


def share_or_off(value: Any) -> float:
    """Read a share, or `off` as 0."""
    try:
        return 0.0 if _is_off(value) else share(value)
    except ValueError as error:
        raise ValueError(str(error).replace(", got", ", or off, got")) from None


def duration(value: Any) -> float:
    """Read `500ms`, `60s`, `5m`, `2h` or `14d` as seconds."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        raise ValueError(f"a duration needs its unit: write {value}s (or ms, m, h, d)")
    match = re.fullmatch(_DURATION, value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"expected a duration such as 500ms, 60s, 5m, 2h or 14d, got {shown(value)}")
    seconds = int(match[1]) * _UNITS[match[2]]
    if seconds > _DURATION_MAX:
        raise ValueError(f"expected at most 3650d, got {shown(value)}")
    return seconds


def some_time(value: Any) -> float:
    """Read a duration that must not be zero."""
    seconds = duration(value)
    if seconds == 0:
        raise ValueError(f"expected a duration above zero, such as 60s, got {shown(value)}")
    return seconds


def _is_off(value: Any) -> bool:
    # Readers of YAML 1.1 turn the word off into false; so do people.
    return value is False or value == "off"


def count_or_off(value: Any) -> int | None:
    """Read a number of things, from 1, or `off` as `None`."""
    if _is_off(value):
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1_000_000_000:
        raise ValueError(f"expected a whole number from 1, or off, got {shown(value)}")
    return value


def some_time_or_off(value: Any) -> float | None:
    """Read a duration, or `off` as `None`."""
    return None if _is_off(value) else some_time(value)


def url(value: Any) -> str:
    """Check the address of a CI. It is not repeated in the message: it may hold a password."""
    text = value if isinstance(value, str) else ""
    if re.match(r"https?://[^/?#]*@", text):
        raise ValueError("an address must not contain credentials (user:password@): use token: env:NAME")
    if not re.fullmatch(_URL, text) or not _has_host_and_port(text):
        raise ValueError(
            f"expected an address such as https://ci.example.org, without ? and #, got {shown(value, secret=True)}"
        )
    return text


def url_of_project(value: Any) -> str:
    """Check the address of a repository, with `{project}` where the project's name goes."""
    text = value if isinstance(value, str) else ""
    if re.search(r"[{}]", text.replace("{project}", "")):
        raise ValueError(f"only {{project}} can be filled in, got {shown(value, secret=True)}")
    filled = url(text.replace("{project}", "project"))
    if urlsplit(filled).netloc != urlsplit(text.replace("{project}", "")).netloc:
        raise ValueError(f"{{project}} must not be part of the host, got {shown(value, secret=True)}")
    return text


def _has_host_and_port(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def page_url(value: Any) -> str:
    """Check the address of the page; a slash at its end is dropped."""
    return url(value).rstrip("/")


def amqp_url(value: Any) -> str | Secret:
    """Check the address of a message broker, or where it is kept if it holds a password."""
    if isinstance(value, str) and re.fullmatch(secrets.PATTERN, value):
        return secrets.located(value)
    if isinstance(value, str) and addresses.is_broker(value):
        return value
    raise ValueError(
        "expected an address such as amqps://host:5671/ (or env:NAME or file:PATH if it holds a password), "
        f"got {shown(value, secret=True)}"
    )


def listen(value: Any) -> tuple[str, int] | None:
    """Read `HOST:PORT` (an IPv6 host in brackets), or `off` as `None`."""
    if _is_off(value):
        return None
    if not isinstance(value, str) or not re.fullmatch(_LISTEN, value):
        raise ValueError(f"expected HOST:PORT such as 127.0.0.1:8080 or [::1]:8080, or off, got {shown(value)}")
    host, _, port = value.rpartition(":")
    if int(port) > 65535:
        raise ValueError(f"expected a port up to 65535, got {shown(value)}")
    if host.startswith("["):
        host = host[1:-1]
        _check_ipv6(host)
    return host, int(port)


def _check_ipv6(host: str) -> None:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        raise ValueError(f"expected an IPv6 address between the brackets, got {shown(host)}") from None


def store(value: Any) -> str | Secret:
    """Check `sqlite:PATH` or `redis://host:port/db`. A redis address is not repeated: it may hold a password."""
    if isinstance(value, str) and re.fullmatch(secrets.PATTERN, value):
        return secrets.located(value)
    if isinstance(value, str) and addresses.is_store(value):
        return value
    if isinstance(value, str) and value.startswith("sqlite://"):
        raise ValueError("write the path right after the colon: sqlite:state.db or sqlite:/var/lib/triggerbot/state.db")
    if isinstance(value, str) and (why := addresses.why_no_sentinel(value)) is not None:
        raise ValueError(f"this is no address of a store: {why}")
    raise ValueError(
        "expected sqlite:PATH such as sqlite:state.db, or redis://host:6379/0 (env:NAME or file:PATH if that holds a "
        f"password), got {shown(value, secret=True)}"
    )


def network(value: Any) -> str:
    """Check an IP address, or a network of them."""
    try:
        return str(ipaddress.ip_network(value if isinstance(value, str) else "", strict=False))
    except ValueError:
        raise ValueError(f"expected an IP address or a network such as 10.1.0.0/16, got {shown(value)}") from None


def readers(value: Any) -> str:
    """Check who may read."""
    if value in ("anyone", "login"):
        return str(value)
    raise ValueError(f"expected anyone or login, got {shown(value)}")


def host_name(value: Any) -> str:
    """Check the name of a host, as browsers send it, without a port."""
    if isinstance(value, str) and re.fullmatch(_HOST, value):
        return value.lower()
    raise ValueError(f"expected the name of a host such as triggerbot.lan, without a port, got {shown(value)}")


def some_text(value: Any) -> str:
    """Check a text that must not be empty, where the key is given at all."""
    if isinstance(value, str) and value:
        return value
    raise ValueError(f"expected text, got {shown(value)}")


def one_or_several(value: Any) -> Any:
    """Take a single value for a list of one."""
    return value if isinstance(value, tuple) else (value,)


def must(flaw: Callable[[str], str]) -> AfterValidator:
    """Demand more of a secret than to be there: `flaw` names what is wrong with one that was read, or nothing."""
    return AfterValidator(lambda secret: replace(secret, flaw=flaw))


def result(value: Any) -> Any:
    """Say of results that exist but are never retriggered, that they are not."""
    if isinstance(value, str) and value in tuple(Result) and value not in RESULTS:
        why = {"retry": "the CI retries it by itself", "cancelled": "somebody wanted it so"}.get(value)
        reason = f" ({why})" if why else ""
        raise ValueError(f"'{value}' is never retriggered{reason}: expected any of {', '.join(RESULTS)}")
    return value


def superseded(value: Any) -> Superseded:
    """Read `skip` or `retrigger`, for all branches, or which branches are which: `{skip: [...], retrigger: [...]}`."""
    chosen = {value: ["*"]} if isinstance(value, str) else value
    wrong = sorted(set(chosen) - {"skip", "retrigger"}, key=str) if isinstance(chosen, dict) else [value]
    if wrong:
        got = f"the key {printable(str(wrong[0]), 80)!r}" if isinstance(value, dict) else shown(value)
        raise ValueError(
            "expected skip, retrigger, or the branches for which each holds, such as {skip: ['*'], retrigger: "
            f"['release/*']}}, got {got}"
        )
    for name, patterns in chosen.items():
        if not isinstance(patterns, list | tuple) or not all(isinstance(one, str) and one for one in patterns):
            raise ValueError(f"{name}: expected a list of branches, by name or pattern, got {shown(patterns)}")
    return Superseded(**{name: Globs(patterns) for name, patterns in chosen.items()})


def fits(pattern: str, words: str) -> Callable[[str], str]:
    """Make a validator for text of one form."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"{words}, got {shown(value)}")
        return value

    return check


def _given(value: Any) -> Any:
    """Refuse a key that is there without a value; leaving the key out is the way to say nothing."""
    if value is None:
        raise ValueError("expected a mapping, got nothing: write its keys below it, indented, or remove this key")
    return value


def _schema(pattern: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, **more})


def _or_off(pattern: str) -> WithJsonSchema:
    # YAML 1.1 readers see false where off is written.
    return WithJsonSchema({"anyOf": [{"type": "string", "pattern": pattern}, {"enum": ["off", False]}]})


_SECRET_SCHEMA = {"type": "string", "pattern": secrets.PATTERN}

Given = BeforeValidator(_given)
Text = Annotated[str, StringConstraints(min_length=1)]
Patterns = Annotated[Globs, Converted(tuple[Text, ...], Globs)]
SomePatterns = Annotated[Globs, Converted(Annotated[tuple[Text, ...], Field(min_length=1)], Globs)]
_BRANCHES = {"type": "array", "items": {"type": "string", "minLength": 1}}
SkipOrRetrigger = Annotated[
    Superseded,
    PlainValidator(superseded),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["skip", "retrigger"]},
                {
                    "type": "object",
                    "patternProperties": {"^(skip|retrigger)$": _BRANCHES},
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
Share = Annotated[float, PlainValidator(share), _schema(_SHARE)]
Duration = Annotated[float, PlainValidator(duration), _schema(_DURATION)]
SomeTime = Annotated[float, PlainValidator(some_time), _schema(_ABOVE_ZERO)]
SomeTimeOrOff = Annotated[float | None, PlainValidator(some_time_or_off), _or_off(_ABOVE_ZERO)]
ShareOrOff = Annotated[float, PlainValidator(share_or_off), _or_off(_SHARE)]
CountOrOff = Annotated[
    int | None,
    PlainValidator(count_or_off),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 999_999_999}, {"enum": ["off", False]}]}),
]
Url = Annotated[str, PlainValidator(url), _schema(_URL, format="uri")]
OptionalUrl = Annotated[str | None, PlainValidator(url), _schema(_URL, format="uri")]
OptionalPageUrl = Annotated[str | None, PlainValidator(page_url), _schema(_URL, format="uri")]
OptionalUrlOfProject = Annotated[str | None, PlainValidator(url_of_project), _schema(_URL)]
OptionalText = Annotated[str | None, PlainValidator(some_text), WithJsonSchema({"type": "string", "minLength": 1})]
Readers = Annotated[str | None, PlainValidator(readers), WithJsonSchema({"enum": ["anyone", "login"]})]
HostName = Annotated[str, PlainValidator(host_name), _schema(_HOST)]
Network = Annotated[
    str, PlainValidator(network), WithJsonSchema({"type": "string", "pattern": r"^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$"})
]
AmqpUrl = Annotated[str | Secret, PlainValidator(amqp_url), _schema(f"({addresses.AMQP})|({secrets.PATTERN})")]
Listen = Annotated[tuple[str, int] | None, PlainValidator(listen), _or_off(_LISTEN)]
Store = Annotated[str | Secret, PlainValidator(store), _schema(f"({addresses.STORE})|({secrets.PATTERN})")]
SecretReference = Annotated[Secret, PlainValidator(secrets.located), WithJsonSchema(_SECRET_SCHEMA)]
OptionalSecret = Annotated[Secret | None, PlainValidator(secrets.located), WithJsonSchema(_SECRET_SCHEMA)]
#: Secrets that people choose, one or several.
ChosenSecrets = Annotated[
    tuple[Annotated[SecretReference, must(secrets.guessable)], ...],
    Field(min_length=1),
    BeforeValidator(one_or_several),
    WithJsonSchema({"anyOf": [_SECRET_SCHEMA, {"type": "array", "items": _SECRET_SCHEMA, "minItems": 1}]}),
]
SystemName = Annotated[
    str,
    AfterValidator(
        fits(NAME, "expected a name of letters, digits, '_', '.' and '-' that begins with a letter or digit")
    ),
    _schema(NAME),
]
GroupName = Annotated[
    str,
    AfterValidator(fits(GROUP, "expected a name of small letters, digits and '-' (it follows --rebuild-)")),
    _schema(GROUP),
]
KindName = Literal["test", "build", "other", "workflow"]
FailureClassName = Literal[
    "fixed by commit",
    "expected fail",
    "intermittent",
    "infra",
    "new failure not classified",
    "autoclassified intermittent",
    "intermittent needs bugid",
]
ResultName = Annotated[Literal["failure", "busted", "infra", "timed_out"], BeforeValidator(result)]
