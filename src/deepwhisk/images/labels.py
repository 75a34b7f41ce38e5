"""What an image says of itself: the annotations of OCI, from the model's metadata."""

from datetime import UTC, date, datetime
from typing import Any

from deepwhisk.images.layers import EPOCH, iso
from deepwhisk.project import Model

_PREFIX = "org.opencontainers.image."
_LINKS = {"source": "source_code", "documentation": "documentation"}


def labels(model: Model, when: str) -> dict[str, str]:
    """All that the metadata tells."""
    told = model.metadata
    links = told.get("links") if isinstance(told.get("links"), dict) else {}
    found: dict[str, Any] = {
        "title": told.get("title") or model.title,
        "description": model.description,
        "version": model.version,
        "created": when,
        "licenses": told.get("license"),
        "authors": ", ".join(_authors(told.get("authors"))),
        **{name: (links or {}).get(key) for name, key in _LINKS.items()},
    }
    return {f"{_PREFIX}{name}": str(value) for name, value in found.items() if value}


def created(model: Model, epoch: int | None) -> str:
    """When the model was changed: as somebody says, as its metadata says, else long ago."""
    if epoch is not None:
        return iso(epoch)
    dates = model.metadata.get("dates")
    updated = dates.get("updated") or dates.get("created") if isinstance(dates, dict) else None
    try:
        day = date.fromisoformat(str(updated)[:10])
    except ValueError:
        return iso(EPOCH)
    return iso(int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()))


def _authors(told: Any) -> list[str]:
    """DEEP's metadata has names, that of AI4OS has more of each."""
    found = told if isinstance(told, list) else [told]
    named = [str(each.get("name") or "") if isinstance(each, dict) else str(each or "") for each in found]
    return [name for name in named if name]
