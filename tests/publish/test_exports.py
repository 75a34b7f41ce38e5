"""The catalog as JSON, Atom and JSON-LD, as readers of these formats understand it."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
import rdflib

from deepwhisk.project import Project, read_project
from deepwhisk.publish import atom, changes, document, jsonld

ROOT = Path(__file__).parents[2]
MODEL = '"""Marks things."""\n\n\ndef predict(a: int) -> int:\n    return a\n'
TOLD = """metadata_version: 2.3.0
title: "Marks <b> & 漢字 \\x1f"
version: 1.2.0
summary: Marks things.
license: MIT
authors: [{name: Ada}, Grace, 7]
dates: {created: "2026-01-01", updated: "2026-02-03"}
links: {source_code: "https://example.org/m", dataset: "https://example.org/d", weights: "javascript:x()"}
libraries: [PyTorch]
tasks: [Computer Vision]
tags: [image, 7]
"""
SCHEMA = rdflib.Namespace("https://schema.org/")
IT6 = rdflib.Namespace("http://data.europa.eu/it6/")
DCT = rdflib.Namespace("http://purl.org/dc/terms/")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for name, told in (("bare", ""), ("marks", TOLD)):
        folder = tmp_path / "garden" / "catalog" / name
        folder.mkdir(parents=True)
        (folder / "model.py").write_text(MODEL)
        if told:
            (folder / "ai4-metadata.yml").write_text(told)
    return read_project(tmp_path / "garden")


def commit(folder: Path, subject: str, day: str) -> None:
    person = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    when = {"GIT_AUTHOR_DATE": f"{day}T10:00:00+02:00", "GIT_COMMITTER_DATE": f"{day}T10:00:00+02:00"}
    for words in (["init", "-q"], ["add", "-A"], [*person, "commit", "-q", "--no-verify", "-m", subject]):
        subprocess.run(["git", *words], cwd=folder, check=True, env={"PATH": "/usr/bin:/bin", **when})


class TestChanges:
    def test_without_history_the_dates_of_the_metadata_hold(self, project: Project) -> None:
        found = [(one.model, one.at.date().isoformat(), one.subject) for one in changes(project)]

        assert found == [("marks", "2026-02-03", "Version 1.2.0"), ("bare", "1970-01-01", "Version 0.1.0")]

    def test_with_git_each_commit_is_a_change_of_each_model_that_it_touched(self, project: Project) -> None:
        commit(project.folder, "Begin", "2026-03-01")
        (project.folder / "catalog" / "marks" / "model.py").write_text(MODEL + "\n")
        (project.folder / "catalog" / "gone").mkdir()
        (project.folder / "catalog" / "gone" / "ünd \n.txt").write_text("x")
        commit(project.folder, "Mark better", "2026-03-02")

        found = [(one.model, one.at, one.subject) for one in changes(project)]

        assert found == [
            ("marks", datetime(2026, 3, 2, 8, tzinfo=UTC), "Mark better"),
            ("marks", datetime(2026, 3, 1, 8, tzinfo=UTC), "Begin"),
            ("bare", datetime(2026, 3, 1, 8, tzinfo=UTC), "Begin"),
        ]

    def test_a_project_in_a_folder_of_a_repository_has_its_part_of_the_history(
        self, project: Project
    ) -> None:
        commit(project.folder.parent, "Begin", "2026-03-01")

        assert {one.subject for one in changes(project)} == {"Begin"}

    @pytest.mark.parametrize("dates", ["7", "{created: 2026-02-31}", "{updated: [1]}", "{created: soon}"])
    def test_dates_that_are_none_stop_nothing(self, project: Project, dates: str) -> None:
        file = project.folder / "catalog" / "marks" / "ai4-metadata.yml"
        file.write_text(f"metadata_version: 2.3.0\ndates: {dates}\n")
        again = read_project(project.folder)

        assert {one.at.year for one in changes(again)} == {1970}
        assert atom(again, changes(again), None)


class TestAtom:
    def feed(self, project: Project, url: str | None = None) -> Any:
        found = feedparser.parse(atom(project, changes(project), url).encode())
        assert not found.bozo, found
        assert found.version == "atom10"
        return found

    def test_a_reader_of_feeds_finds_all_that_an_entry_says(self, project: Project) -> None:
        entry = self.feed(project).entries[0]

        assert entry.title.startswith("Marks")
        assert "漢字" in entry.title
        assert entry.updated == "2026-02-03T00:00:00Z"
        assert [author.name for author in entry.authors] == ["Ada", "Grace"]
        assert [tag.term for tag in entry.tags] == ["image"]
        assert entry.content[0].value == "marks 1.2.0: Marks things."
        assert entry.rights == "MIT"
        assert [link.href for link in entry.links] == ["https://example.org/m"]

    def test_a_feed_has_what_its_standard_asks_for(self, project: Project) -> None:
        found = self.feed(project, "https://example.org/feed.atom?a=1&b=2")

        assert found.feed.id.startswith("urn:uuid:")
        assert found.feed.updated == found.entries[0].updated
        assert found.feed.author == project.name
        assert found.feed.links[0] == {
            "rel": "self",
            "type": "application/atom+xml",
            "href": "https://example.org/feed.atom?a=1&b=2",
        }

    def test_ids_are_the_same_each_time_and_others_for_other_changes(self, project: Project) -> None:
        first, second = (self.feed(project) for _ in range(2))
        commit(project.folder, "Begin", "2026-03-01")
        later = self.feed(project)

        assert [entry.id for entry in first.entries] == [entry.id for entry in second.entries]
        assert len({entry.id for entry in [*first.entries, *later.entries]}) == 4
        assert later.feed.id == first.feed.id

    def test_this_catalog_is_a_feed(self) -> None:
        found = self.feed(read_project(ROOT))

        assert found.entries
        assert len(found.entries) <= 100


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # rdflib's own use
class TestJsonLd:
    def graph(self, project: Project) -> rdflib.Graph:
        return rdflib.Graph().parse(data=json.dumps(jsonld(project, changes(project))), format="json-ld")

    def test_a_reader_of_rdf_finds_the_model_in_both_vocabularies(self, project: Project) -> None:
        graph = self.graph(project)
        (model,) = graph.subjects(DCT.identifier, rdflib.Literal("marks"))

        assert (model, rdflib.RDF.type, IT6.MachineLearningModel) in graph
        assert (model, rdflib.RDF.type, SCHEMA.SoftwareApplication) in graph
        assert (model, DCT.license, rdflib.Literal("MIT")) in graph
        assert (model, SCHEMA.softwareVersion, rdflib.Literal("1.2.0")) in graph
        assert (model, IT6.trainedOn, rdflib.URIRef("https://example.org/d")) in graph
        assert (model, IT6.hasRepository, rdflib.URIRef("https://example.org/m")) in graph
        assert (model, DCT.created, rdflib.Literal("2026-01-01", datatype=rdflib.XSD.date)) in graph
        assert {
            str(name) for author in graph.objects(model, SCHEMA.author) for name in graph.objects(author)
        } == {
            "Ada",
            "Grace",
        }

    def test_every_model_is_in_the_catalog(self, project: Project) -> None:
        graph = self.graph(project)
        dcat = rdflib.Namespace("http://www.w3.org/ns/dcat#")
        (catalog,) = graph.subjects(rdflib.RDF.type, dcat.Catalog)

        assert set(graph.objects(catalog, dcat.resource)) == set(
            graph.subjects(rdflib.RDF.type, IT6.MachineLearningModel)
        )

    def test_no_link_is_anything_but_an_address_of_the_web(self, project: Project) -> None:
        assert "javascript:" not in json.dumps(jsonld(project, changes(project)))


class TestDocument:
    def test_it_says_what_the_metadata_says_beside_its_own(self, project: Project) -> None:
        found = document(project, changes(project))
        bare, marks = found["models"]

        assert (found["name"], found["changed"]) == ("garden", "2026-02-03T00:00:00Z")
        assert (bare["name"], bare["title"], bare["version"]) == ("bare", "bare", "0.1.0")
        assert (marks["license"], marks["version"], marks["changed"]) == (
            "MIT",
            "1.2.0",
            "2026-02-03T00:00:00Z",
        )
        assert json.loads(json.dumps(found)) == found

    def test_an_empty_catalog_is_one_too(self, tmp_path: Path) -> None:
        (tmp_path / "catalog").mkdir()
        empty = read_project(tmp_path)

        assert document(empty, changes(empty))["models"] == []
        assert not feedparser.parse(atom(empty, [], None)).bozo
        assert len(jsonld(empty, [])["@graph"]) == 1
