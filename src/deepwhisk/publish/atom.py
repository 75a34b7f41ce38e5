"""The changes of a catalog as an Atom feed (RFC 4287)."""

import re
from collections.abc import Sequence
from importlib.metadata import version
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from deepwhisk.project import Model, Project
from deepwhisk.publish.changes import Change
from deepwhisk.publish.listing import authors, links, moment, texts, title, urn

NAMESPACE = "http://www.w3.org/2005/Atom"
LONGEST = 100  # entries
NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
EPOCH = "1970-01-01T00:00:00Z"


def atom(project: Project, changes: Sequence[Change], address: str | None) -> str:
    """The newest changes; ADDRESS is where the feed will be read, if that is known."""
    feed = Element("feed", {"xmlns": NAMESPACE, "xml:lang": "en"})
    _add(feed, "id", urn(project))
    _add(feed, "title", f"Models of {project.name}")
    _add(feed, "updated", moment(changes[0]) if changes else EPOCH)
    _author(feed, project.name)
    _add(feed, "generator", "deepwhisk", version=version("deepwhisk"))
    if address:
        _add(feed, "link", None, rel="self", type="application/atom+xml", href=address)
    for change in changes[:LONGEST]:
        _entry(feed, project, change)
    ElementTree.indent(feed)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ElementTree.tostring(feed, encoding='unicode')}\n"


def _entry(feed: Element, project: Project, change: Change) -> None:
    model, entry = project.model(change.model), SubElement(feed, "entry")
    _add(entry, "id", urn(project, change.model, change.number))
    _add(entry, "title", f"{title(model)}: {change.subject}")
    _add(entry, "updated", moment(change))
    for name in authors(model):
        _author(entry, name)
    for tag in texts(model.metadata.get("tags")):
        _add(entry, "category", None, term=tag)
    if (source := links(model).get("source_code")) is not None:
        _add(entry, "link", None, rel="related", href=source)
    if model.metadata.get("license"):
        _add(entry, "rights", str(model.metadata["license"]))
    _add(entry, "content", _content(model), type="text")


def _content(model: Model) -> str:
    return f"{model.name} {model.version}: {model.description}"


def _author(parent: Element, name: str) -> None:
    _add(SubElement(parent, "author"), "name", name)


def _add(parent: Element, name: str, text: str | None, **attributes: str) -> None:
    allowed = {key: NO_XML.sub(" ", value) for key, value in attributes.items()}
    SubElement(parent, name, allowed).text = None if text is None else NO_XML.sub(" ", text)
