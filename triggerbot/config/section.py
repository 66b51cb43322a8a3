"""What all sections of the configuration file have in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def default(value: Any, description: str, **more: Any) -> Any:
    """Describe a key that may be left out; its default is written as in the file, and checked like it."""
    return Field(default=value, validate_default=True, description=description, **more)


def without_default(schema: dict[str, Any]) -> None:
    """Leave a default out of the JSON Schema that can only be had by leaving out the key."""
    schema.pop("default")


class Section(BaseModel):
    """What all sections of the file have in common: no unknown keys, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
