"""From DEEP's metadata 1.0 to that of AI4OS 2.x.

Law: nothing is made up and nothing is lost but what has no meaning any more: the templates of another
platform. What has no place in the newer schema stays under its own name.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

NEWEST = "2.3.0"
GONE = ("tosca",)  # templates for clusters of DEEP
IMAGES = "https://hub.docker.com/r/"  # what 1.0 names images relative to
LINKS = {
    "cite_url": "citation",
    "dataset_url": "dataset",
    "training_files_url": "training_files",
    "code": "source_code",
    "pre_trained_weights": "weights",
    "docker_registry_repo": "docker_image",
    "dockerfile_repo": "dockerfile",
    "zenodo_doi": "zenodo_doi",
}
LIBRARIES = ("TensorFlow", "PyTorch", "Keras", "Scikit-learn", "XGBoost", "LightGBM", "CatBoost")
CATEGORIES = {
    "trainable": ("AI4 trainable",),
    "inference": ("AI4 inference", "AI4 pre trained"),
    "pre-trained": ("AI4 pre trained",),
}
OLD = ("date_creation", "keywords", "sources", "tosca", "cite_url", "dataset_url")
MOVED = ("title", "summary", "description", "license", "doi", *OLD, "training_files_url")


def is_old(said: Mapping[str, Any]) -> bool:
    """Whether metadata is in the schema 1.0, which does not say so itself."""
    return "metadata_version" not in said and any(key in said for key in OLD)


def upgraded(said: Mapping[str, Any]) -> dict[str, Any]:
    """The same in AI4OS 2.x; members of a wrong type are left out."""
    tags = [tag for tag in _list(said.get("keywords")) if isinstance(tag, str)]
    lowered = {tag.lower() for tag in tags}
    created = said.get("date_creation")
    found = {
        "metadata_version": NEWEST,
        "title": said.get("title"),
        "summary": said.get("summary"),
        "description": _description(said.get("description")),
        "license": said.get("license"),
        "doi": said.get("doi"),
        "dates": {"created": created, "updated": created} if created else None,
        "links": dict(_links(said)),
        "libraries": [name for name in LIBRARIES if name.lower() in lowered],
        "tasks": [],
        "categories": list(
            dict.fromkeys(one for tag in CATEGORIES if tag in lowered for one in CATEGORIES[tag])
        ),
        "tags": list(dict.fromkeys(tags)),
    }
    rest = {key: value for key, value in said.items() if key not in MOVED}
    return {key: value for key, value in {**found, **rest}.items() if value is not None}


def _description(said: Any) -> str | None:
    """One text; 1.0 has lines, in which a written-out backslash and n ends a line too."""
    lines = [line for line in _list(said) if isinstance(line, str)]
    text = "\n".join(lines).replace("\\n", "\n")
    return re.sub(r"\s*\n\s*\n\s*", "\n\n", re.sub(r"[ \t]+\n", "\n", text)).strip() if lines else None


def _links(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    sources = said.get("sources")
    given = {**(sources if isinstance(sources, dict) else {}), **said}
    for old, new in LINKS.items():
        if isinstance(given.get(old), str) and given[old]:
            relative = new == "docker_image" and "://" not in given[old]
            yield new, f"{IMAGES}{given[old].lstrip('/')}" if relative else given[old]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
