"""The JSON Schema of the configuration file, for editors and for the reference."""

import operator
from functools import reduce
from typing import Annotated, Any

from pydantic import Field, create_model

from triggerbot.config import fields
from triggerbot.config.plugins import Plugins
from triggerbot.config.schema import Config


def json_schema(kinds: Plugins) -> dict[str, Any]:
    """Make the JSON Schema (draft 2020-12) of the file, for editors such as those with yaml-language-server."""
    sections = reduce(operator.or_, (kind.section() for kind in kinds.systems.values()))
    system: Any = Annotated[sections, Field(discriminator="type")]
    report: Any = kinds.every_report
    old = Config.model_fields
    whole = create_model(
        "Config",
        __base__=Config,
        __doc__=Config.__doc__,
        systems=(dict[fields.SystemName, system], old["systems"]),
        reports=(tuple[report, ...], old["reports"]),
    )
    schema: dict[str, Any] = _tidy(whole.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "triggerbot configuration"}


def _tidy(part: Any) -> Any:
    """Make pydantic's schema say what the loader does: no nulls, no names but those that fit; drop generated titles."""
    if isinstance(part, list):
        return [_tidy(item) for item in part if item != {"type": "null"}]
    if not isinstance(part, dict):
        return part
    # A generated title is a text; a property that is called title would be a schema.
    tidied = {
        key: _tidy(value)
        for key, value in part.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }
    if "patternProperties" in tidied:
        tidied["additionalProperties"] = False
    if len(tidied.get("anyOf", ())) == 1:
        tidied |= tidied.pop("anyOf")[0]
    return tidied
