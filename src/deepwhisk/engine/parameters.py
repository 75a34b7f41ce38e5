"""Parameters and annotations: arrays of `{"key", "value"}` in JSON, maps everywhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deepwhisk.engine.codec import dumps
from deepwhisk.engine.problems import malformed, too_large


@dataclass(frozen=True, slots=True)
class Parameter:
    value: Any
    init: bool = False  # goes to the container's environment instead of the payload
    encryption: str | None = None


Parameters = Mapping[str, Parameter]


def read_parameters(value: Any) -> dict[str, Parameter]:
    if not isinstance(value, list):
        raise malformed("parameters malformed!")
    return dict(_read_entry(entry) for entry in value)


def read_annotations(value: Any) -> dict[str, Any]:
    return {key: parameter.value for key, parameter in read_parameters(value).items()}


def _read_entry(entry: Any) -> tuple[str, Parameter]:
    if not isinstance(entry, dict) or not isinstance(entry.get("key"), str) or "value" not in entry:
        raise malformed("parameters malformed!")
    encryption = entry.get("encryption")
    return entry["key"], Parameter(
        entry["value"], entry.get("init") is True, encryption if isinstance(encryption, str) else None
    )


def parameters_json(parameters: Parameters) -> list[dict[str, Any]]:
    return [_entry_json(key, parameter) for key, parameter in parameters.items()]


def _entry_json(key: str, parameter: Parameter) -> dict[str, Any]:
    entry = {"key": key, "value": parameter.value}
    if parameter.init:
        entry["init"] = True
    if parameter.encryption:
        entry["encryption"] = parameter.encryption
    return entry


def annotations_json(annotations: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in annotations.items()]


def check_size(what: str, values: Mapping[str, Any], limit: int) -> None:
    size = sum(len(key.encode()) + len(dumps(value)) for key, value in values.items())
    if size > limit:
        raise too_large(what, size, limit)


def is_truthy(annotations: Mapping[str, Any], key: str, absent: bool = False) -> bool:
    """As OpenWhisk reads an annotation: false, null, 0 and "" are not, everything else is."""
    if key not in annotations:
        return absent
    value = annotations[key]
    return True if isinstance(value, list | dict) else bool(value)
