"""What a model's `train` takes, as its own description says, and whether arguments fit.

Law: this is an early word to whoever types; the node asks the model itself. What the description leaves
open, or is not reached in time, is left to the node.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deepwhisk.errors import SettingsError, WhiskError
from deepwhisk.whisk import Whisk

SECONDS = 20.0  # a model that is not warm is started by asking
NUMBER = re.compile(r"[+-]?(\d[\d_]*\.?\d*|\.\d+)([eE][+-]?\d+)?")
INTEGER = re.compile(r"[+-]?\d[\d_]*(\.0*)?")

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Takes:
    """The schema of the arguments of one `train`."""

    model: str
    schema: Schema

    @property
    def files(self) -> list[str]:
        """Arguments that are files."""
        return [name for name, each in self.schema["properties"].items() if _is_file(each)]

    def check(self, plain: Mapping[str, Any], files: Mapping[str, Any], *, data: bool) -> None:
        """Raises SettingsError with all that does not fit. DATA fills a file argument that is not given."""
        known, given = self.schema["properties"], {**plain, **files}
        wrong = [
            self._unknown(name) for name in given if name not in known and not self.schema.get("additional")
        ]
        missing = [name for name in self.schema.get("required", []) if name not in given]
        if data and (filled := next((name for name in missing if name in self.files), None)):
            missing.remove(filled)
        wrong += [self._missing(name) for name in missing]
        wrong += [f"{name} is a file: give -i {name}=@FILE" for name in plain if name in self.files]
        wrong += [
            f"{name} {said}" for name, value in plain.items() if (said := _unfit(known.get(name), value))
        ]
        if wrong:
            raise SettingsError(f"{self.model} cannot be trained with that: {'; '.join(wrong)}.")

    def _unknown(self, name: str) -> str:
        return f"there is no argument {name} (there are {', '.join(self.schema['properties']) or 'none'})"

    def _missing(self, name: str) -> str:
        return f"-i {name}={'@FILE' if name in self.files else '…'} is missing"


def ask(whisk: Whisk, model: str) -> Takes | None:
    """What the deployed model says; None when it does not in time. Raises SettingsError without `train`."""
    hasty = Whisk(whisk.apihost, whisk.auth, timeout=SECONDS)
    try:
        document = hasty.web("GET", f"{hasty.namespace()}/models/{model}/openapi.json")
    except WhiskError:
        return None
    finally:
        hasty.close()
    if not isinstance(document, dict) or "paths" not in document:
        return None
    if f"/v2/models/{model}/train/" not in document["paths"]:
        raise SettingsError(f"The model {model} has no `train`; see `deepwhisk models show {model}`.")
    schema = document.get("components", {}).get("schemas", {}).get("TrainArguments")
    return Takes(model, schema) if isinstance(schema, dict) and "properties" in schema else None


def _is_file(schema: Schema) -> bool:
    """A file in JSON is told by its member `$bytes`, however deep in choices and lists."""
    if "$bytes" in schema.get("properties", {}):
        return True
    inner = [*schema.get("anyOf", []), schema.get("items")]
    return any(_is_file(each) for each in inner if isinstance(each, dict))


def _unfit(schema: Schema | None, value: Any) -> str | None:
    """Why a value is none of an argument; None where it may be one."""
    if schema is None or isinstance(value, list | dict):
        return None
    text, kind = str(value), schema.get("type")
    if kind == "integer" and not INTEGER.fullmatch(text):
        return f"is a whole number, not {text!r}"
    if kind == "number" and not NUMBER.fullmatch(text) and text.lower() not in ("inf", "nan", "-inf"):
        return f"is a number, not {text!r}"
    if "enum" in schema and text not in map(str, schema["enum"]):
        return f"is one of {', '.join(map(str, schema['enum']))}, not {text!r}"
    return _beyond(schema, float(text)) if kind in ("integer", "number") else None


def _beyond(schema: Schema, number: float) -> str | None:
    if "minimum" in schema and number < schema["minimum"]:
        return f"is at least {schema['minimum']}, not {number:g}"
    if "maximum" in schema and number > schema["maximum"]:
        return f"is at most {schema['maximum']}, not {number:g}"
    if "exclusiveMinimum" in schema and number <= schema["exclusiveMinimum"]:
        return f"is more than {schema['exclusiveMinimum']}, not {number:g}"
    return None
