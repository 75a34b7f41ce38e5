"""The catalog as JSON-LD: schema.org for search engines, MLDCAT-AP for catalogs of public bodies.

The context is in the document, so whoever reads it needs no other.
"""

from collections.abc import Sequence
from typing import Any

from deepwhisk.project import Model, Project
from deepwhisk.publish.changes import Change
from deepwhisk.publish.listing import authors, links, moment, texts, title, urn

VOCABULARY = "http://w3id.org/ai4os/vocabulary/"
DATE = {"@type": "xsd:date"}
CONTEXT: dict[str, Any] = {
    "schema": "https://schema.org/",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "it6": "http://data.europa.eu/it6/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    **{
        name: {"@id": name, "@type": "@id"}
        for name in ("it6:hasRepository", "it6:trainedOn", "it6:fineTunedFrom")
    },
    **{
        name: {"@id": name, "@type": "@id"}
        for name in ("it6:hasBibliographicReference", "schema:codeRepository")
    },
    **{name: {"@id": name, "@type": "@id"} for name in ("it6:hasTaskType", "it6:hasMachineLearningLibrary")},
    **{
        name: {"@id": name, "@type": "@id"} for name in ("dcat:resource", "schema:dataset", "schema:citation")
    },
    **{name: {"@id": name, **DATE} for name in ("schema:dateCreated", "dct:created")},
    **{name: {"@id": name, "@type": "xsd:dateTime"} for name in ("schema:dateModified", "dct:modified")},
}
LINKED = {
    "source_code": ("it6:hasRepository", "schema:codeRepository"),
    "dataset": ("it6:trainedOn",),
    "base_model": ("it6:fineTunedFrom",),
    "citation": ("it6:hasBibliographicReference", "schema:citation"),
}


def jsonld(project: Project, changes: Sequence[Change]) -> dict[str, Any]:
    """One graph: the catalog, and its models."""
    models = [_model(project, model, changes) for model in project.models]
    catalog = {
        "@id": urn(project),
        "@type": ["dcat:Catalog", "schema:DataCatalog"],
        "dct:title": f"Models of {project.name}",
        "schema:name": f"Models of {project.name}",
        "dcat:resource": [model["@id"] for model in models],
    }
    return {"@context": CONTEXT, "@graph": [catalog, *models]}


def _model(project: Project, model: Model, changes: Sequence[Change]) -> dict[str, Any]:
    told = {
        "@id": urn(project, model.name),
        "@type": ["it6:MachineLearningModel", "schema:SoftwareApplication", "schema:SoftwareSourceCode"],
        "dct:identifier": model.name,
        "schema:identifier": model.name,
        **_both("dct:title", "schema:name", title(model)),
        **_both("it6:shortDescription", "schema:abstract", model.description),
        **_both("dct:description", "schema:description", model.metadata.get("description")),
        **_both("dct:license", "schema:license", _license(model)),
        **_both("dcat:version", "schema:softwareVersion", model.version),
        **_both("dcat:keyword", "schema:keywords", texts(model.metadata.get("tags"))),
        **_both("dct:created", "schema:dateCreated", _created(model)),
        **_both("dct:modified", "schema:dateModified", _modified(model, changes)),
        **_both("dct:creator", "schema:author", [{"schema:name": name} for name in authors(model)]),
        "schema:applicationCategory": "Machine learning model",
        "it6:hasTaskType": _terms("tasktype", model.metadata.get("tasks")),
        "it6:hasMachineLearningLibrary": _terms("library", model.metadata.get("libraries")),
        **{name: link for key, link in links(model).items() for name in LINKED.get(key, ())},
    }
    return {name: value for name, value in told.items() if value not in (None, "", [])}


def _both(of_catalogs: str, of_search: str, value: Any) -> dict[str, Any]:
    """The same, in the words of both vocabularies."""
    return {of_catalogs: value, of_search: value}


def _license(model: Model) -> str | None:
    license_ = model.metadata.get("license")
    return license_ if isinstance(license_, str) else None


def _created(model: Model) -> str | None:
    dates = model.metadata.get("dates")
    return str(dates["created"]) if isinstance(dates, dict) and dates.get("created") else None


def _modified(model: Model, changes: Sequence[Change]) -> str:
    return next(moment(change) for change in changes if change.model == model.name)


def _terms(kind: str, names: Any) -> list[str]:
    """The names of AI4OS's own vocabularies."""
    return [f"{VOCABULARY}{kind}/{name.replace(' ', '_')}" for name in texts(names)]
