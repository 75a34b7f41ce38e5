"""The catalog as one JSON document, and the names that its models have in every export."""

import uuid
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from deepwhisk.project import Model, Project
from deepwhisk.publish.changes import Change

OWN = ("name", "version", "trainable", "changed", "id")


def document(project: Project, changes: Sequence[Change]) -> dict[str, Any]:
    """All that the metadata says of each model, beside its name, its version and when it changed."""
    return {
        "name": project.name,
        "generator": f"deepwhisk {version('deepwhisk')}",
        "changed": moment(changes[0]) if changes else None,
        "models": [_entry(project, model, changes) for model in project.models],
    }


def _entry(project: Project, model: Model, changes: Sequence[Change]) -> dict[str, Any]:
    told = {key: value for key, value in model.metadata.items() if key not in OWN}
    return {
        "id": urn(project, model.name),
        "name": model.name,
        "version": model.version,
        "trainable": model.trainable,
        "changed": next(moment(change) for change in changes if change.model == model.name),
        **told,
        "title": title(model),
        "summary": model.description,
    }


def title(model: Model) -> str:
    """What people call a model."""
    return str(model.metadata.get("title") or model.name)


def links(model: Model) -> dict[str, str]:
    """The links of a model that are addresses of the web, by name."""
    found = model.metadata.get("links")
    given = found.items() if isinstance(found, dict) else ()
    return {
        name: link
        for name, link in given
        if isinstance(link, str) and link.startswith(("http://", "https://"))
    }


def texts(value: Any) -> list[str]:
    """A list of texts, as far as it is one."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def authors(model: Model) -> list[str]:
    """The names of who made a model."""
    found = model.metadata.get("authors")
    named = (
        [one.get("name") if isinstance(one, dict) else one for one in found]
        if isinstance(found, list)
        else []
    )
    return texts(named)


def urn(project: Project, *parts: str) -> str:
    """A name for ever, made of names: wherever the export lies, and however often it is made."""
    return uuid.uuid5(uuid.NAMESPACE_URL, "/".join(["deepwhisk", project.name, *parts])).urn


def moment(change: Change) -> str:
    return f"{change.at:%Y-%m-%dT%H:%M:%SZ}"
