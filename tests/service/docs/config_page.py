"""The reference of the configuration, written from the JSON Schema that `triggerbot check --schema` prints."""

import json
from collections.abc import Iterator
from typing import Any

from triggerbot.cli.config import json_schema
from triggerbot.config import addresses, fields, secrets
from triggerbot.systems.github.settings import REPOSITORY

from .markdown import page, slug, table

_INTRO = """\
Every key of `triggerbot.yml`. It is looked for where `-c FILE` or `$TRIGGERBOT_CONFIG` says, else in the working
directory, else in `/etc/triggerbot/`. `triggerbot check` names every mistake with its line, and
`config/triggerbot.example.yml` shows all keys in one file.

- A **duration** carries its unit: `500ms`, `60s`, `5m`, `2h`, `14d`.
- A **secret** never stands in the file: `env:NAME` names an environment variable, `file:PATH` a file that holds the
  secret and nothing else.
- A **pattern** knows `*`, `?` and `[...]`; put it in quotes. `*` matches `/`, too.
- Paths are relative to the directory in which triggerbot is started.

For an editor that completes and checks while you type, make the schema and name it in the config's first line,
`# yaml-language-server: $schema=triggerbot.schema.json`:

```sh
triggerbot check --schema > triggerbot.schema.json
```"""

#: Text of one form, by its pattern.
_FORMS = {
    fields._SHARE: "a share such as `5%`",
    fields._DURATION: "a duration",
    fields._ABOVE_ZERO: "a duration above zero",
    fields._URL: "an address (`https://…`)",
    fields._LISTEN: "`HOST:PORT`",
    fields._HOST: "the name of a host",
    REPOSITORY: "`owner/name`",
    secrets.PATTERN: "a secret",
    f"({addresses.AMQP})|({secrets.PATTERN})": "an address (`amqps://…`), or a secret",
    f"({addresses.STORE})|({secrets.PATTERN})": (
        "`sqlite:PATH`, `redis://…` or `redis+sentinel://…` (`rediss` for TLS), or a secret"
    ),
    r"^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$": "an IP address, or a network",
}


def config_page() -> str:
    """Write the page."""
    schema = json_schema()
    top = {"properties": schema["properties"], "description": "Every key may be left out."}
    sections = [_section(path, section, schema["$defs"]) for path, section in _sections("", top, schema["$defs"])]
    return page("Configuration", _INTRO, *sections)


def _sections(path: str, section: dict[str, Any], definitions: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all sections, each after the one that contains it."""
    yield path, section
    for name, key in section["properties"].items():
        for inner, reference in _inner(_under(path, name), key):
            yield from _sections(inner, definitions[reference.rpartition("/")[2]], definitions)


def _under(path: str, name: str) -> str:
    """Name a key of a section: of `systems.NAME of type github`, `systems.NAME.app of type github`."""
    place, of, kind = path.partition(" of type ")
    return f"{place}.{name}{of}{kind}" if place else name


def _inner(path: str, key: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Find the sections that a key holds: its own, those of a list, or one of each kind."""
    if "$ref" in key:
        yield path, key["$ref"]
    elif "items" in key:
        yield from _inner(_listed(path), key["items"])
    elif "discriminator" in key:
        for kind, reference in key["discriminator"]["mapping"].items():
            yield f"{path} of type {kind}", reference
    else:
        for inner in key.get("patternProperties", {}).values():
            yield from _inner(f"{path}.NAME", inner)


def _listed(path: str) -> str:
    place, of, kind = path.partition(" of type ")
    return f"{place}[]{of}{kind}"


def _section(path: str, section: dict[str, Any], definitions: dict[str, Any]) -> str:
    required = section.get("required", ())
    rows = [
        [f"`{name}`", _kind(path, name, key), _default(key, needed=name in required), _meaning(key, definitions)]
        for name, key in section["properties"].items()
    ]
    keys = table(["key", "value", "default", "meaning"], rows)
    heading = _heading(path) if path else "The whole file"
    return f"## {heading}\n\n{section['description']}\n\n{keys}"


def _heading(path: str) -> str:
    name, of, kind = path.partition(" of type ")
    return f"`{name}`{of}{kind}"


def _default(key: dict[str, Any], *, needed: bool) -> str:
    if needed:
        return "**needed**"
    if "default" not in key or key["default"] == {}:
        return ""
    return f"`{json.dumps(key['default'], ensure_ascii=False)}`".replace('`"', "`").replace('"`', "`")


def _meaning(key: dict[str, Any], definitions: dict[str, Any]) -> str:
    # A section's description is not repeated beside its key.
    described = key if "description" in key else definitions[key["$ref"].rpartition("/")[2]]
    examples = "; ".join(f"`{_yaml(example)}`" for example in key.get("examples", ()) if example != key.get("default"))
    text = described["description"].replace("<name>", "NAME").replace("*", r"\*")
    return f"{text} Such as {examples}." if examples else text


def _yaml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _kind(path: str, name: str, key: dict[str, Any]) -> str:
    inner = list(_inner(_under(path, name), key))
    if not inner:
        return _words(key)
    links = ", ".join(f"[{_short(one)}](#{slug(_heading(one))})" for one, _ in inner)
    if "items" in key:
        return f"a list of {links}"
    return f"by name: {links}" if "patternProperties" in key else links


def _short(path: str) -> str:
    place, _, kind = path.partition(" of type ")
    return kind if place.endswith(".NAME") else place.removesuffix("[]").rpartition(".")[2]


def _words(key: dict[str, Any]) -> str:
    """Describe the type of a value."""
    if "anyOf" in key:
        return " or ".join(_words(one) for one in key["anyOf"])
    if "const" in key:
        return f"`{key['const']}`"
    if "enum" in key:
        return ", ".join(f"`{one}`" for one in key["enum"] if one is not False)
    match key["type"]:
        case "boolean":
            return "`true` or `false`"
        case "integer" | "number":
            return _number(key)
        case "array":
            return f"a list of: {_words(key['items'])}"
        case "object":
            (value,) = key["patternProperties"].values()
            return f"by name: {_words(value)}"
        case _:
            return _FORMS[key["pattern"]] if "pattern" in key else "text"


def _number(key: dict[str, Any]) -> str:
    least, most = key.get("minimum"), key.get("maximum")
    if "exclusiveMinimum" in key:
        return f"a number above {key['exclusiveMinimum']}, up to {most:g}"
    what = "a whole number" if key["type"] == "integer" else "a number"
    return f"{what} from {least:g}" + ("" if most is None or most > 10**6 else f" to {most:g}")
