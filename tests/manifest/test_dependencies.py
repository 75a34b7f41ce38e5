"""What a manifest takes from elsewhere: folders, projects of GitHub, code at an address."""

import io
import zipfile
from pathlib import Path

import pytest

from deepwhisk.errors import ManifestError
from deepwhisk.manifest import Environ, Manifest, Source, parse
from deepwhisk.manifest.remote import fetch, repository, unpack
from fixtures.files import Files
from fixtures.pages import Pages

CODE = "def main(args):\n    return args\n"
LENT = "project: {name: lender}\npackages: {words: {actions: {count: {function: src/count.py}}}}\n"
KINDS = {"python": "python:3.11"}


def archive(**texts: str) -> bytes:
    """A zip as GitHub makes them, with one folder at its top."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as found:
        for name, text in texts.items():
            found.writestr("owner-name-0123abc/" + name.replace("__", "/"), text)
    return buffer.getvalue()


def parsed(text: str, folder: Path, pages: Pages | None = None) -> Manifest:
    """`https://github.com` is the given server."""

    def from_there(address: str) -> bytes:
        return fetch(address.replace("https://github.com", pages.address if pages else "http://127.0.0.1:9"))

    return parse(text, Source("m.yaml", folder, Environ(), KINDS, fetch=from_there))


def depending(location: str, key: str = "words", more: str = "") -> str:
    return f"packages:\n  p:\n    dependencies:\n      {key}: {{location: '{location}'{more}}}\n"


class TestGitHub:
    def test_a_project_is_taken_in_at_its_version(self, tmp_path: Path, pages: Pages) -> None:
        pages.pages["/owner/name/zipball/v1.2"] = archive(
            **{"lib__manifest.yaml": LENT, "lib__src__count.py": CODE}
        )
        text = depending("github.com/owner/name/lib", more=", version: v1.2")
        found = parsed(text, tmp_path, pages)
        (lender,) = found.dependencies
        assert lender.project == "lender"
        assert lender.entities[-1].body["exec"] == {"kind": "python:3.11", "code": CODE}
        assert [entity.name for entity in found.entities] == ["p"]

    def test_without_a_version_it_is_the_branch_master(self, tmp_path: Path, pages: Pages) -> None:
        pages.pages["/owner/name/zipball/master"] = archive(**{"manifest.yaml": LENT, "src__count.py": CODE})
        found = parsed(depending("https://github.com/owner/name", key="other"), tmp_path, pages)
        assert found.entities[-1].body["binding"] == {"namespace": "_", "name": "words"}
        assert pages.asked == ["/owner/name/zipball/master"]

    def test_one_that_is_not_there_is_told_with_its_line(self, tmp_path: Path, pages: Pages) -> None:
        with pytest.raises(
            ManifestError, match=r"m.yaml:4: dependencies.words: .*/master answers 404 .*Without a version"
        ):
            parsed(depending("github.com/owner/none"), tmp_path, pages)

    def test_without_a_network_the_error_says_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(
            ManifestError, match=r"m.yaml:4: .*cannot be fetched .*put a copy into the project"
        ):
            parsed(depending("github.com/owner/unreachable"), tmp_path)

    def test_what_is_no_zip_is_told(self, tmp_path: Path, pages: Pages) -> None:
        pages.pages["/owner/page/zipball/master"] = b"<html>"
        with pytest.raises(ManifestError, match=r"m.yaml:4: .*is not a zip"):
            parsed(depending("github.com/owner/page"), tmp_path, pages)

    @pytest.mark.parametrize(
        ("location", "address", "folder"),
        [
            ("github.com/o/n", "https://github.com/o/n", ""),
            ("https://github.com/o/n.git", "https://github.com/o/n", ""),
            ("http://github.example.org/o/n/a/b/", "http://github.example.org/o/n", "a/b"),
        ],
    )
    def test_a_location_is_a_repository_and_a_folder_in_it(
        self, location: str, address: str, folder: str
    ) -> None:
        found = repository(location)
        assert found is not None
        assert (found.address, found.folder) == (address, folder)

    @pytest.mark.parametrize(
        "entry",
        [
            "actions: {a: {function: ../../../../../../../../../etc/passwd, runtime: python}}",
            "actions: {a: {function: src, runtime: python, include: [[../../../../../etc, x]]}}",
            "dependencies: {a: {location: /tmp/..}, b: {location: ../../../..}}",
        ],
    )
    def test_a_fetched_project_reads_nothing_of_this_machine(
        self, entry: str, tmp_path: Path, pages: Pages
    ) -> None:
        manifest = f"packages: {{words: {{{entry}}}}}"
        pages.pages["/owner/bad/zipball/master"] = archive(**{"manifest.yaml": manifest, "src__a.py": CODE})
        with pytest.raises(ManifestError, match=r"m.yaml:4: .*lies outside of the project"):
            parsed(depending("github.com/owner/bad"), tmp_path, pages)

    def test_an_archive_that_reaches_out_of_its_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ManifestError, match="lies outside"):
            unpack(archive(**{"..__..__..__evil": "x"}), tmp_path / "place")
        assert list(tmp_path.iterdir()) == []


class TestFolders:
    def test_one_under_its_own_name_is_deployed_and_not_bound(self, files: Files) -> None:
        folder = files(**{"lib__manifest.yaml": LENT, "lib__src__count.py": CODE})
        found = parsed(depending("lib", more=", inputs: {a: 1}"), folder)
        assert [entity.name for entity in found.entities] == ["p"]
        assert [other.project for other in found.dependencies] == ["lender"]
        assert found.warnings == (
            "m.yaml:4: dependencies.words: its inputs are of a binding, and it is deployed under its own "
            "name; give it another one.",
        )

    def test_its_own_deployment_file_is_read(self, files: Files) -> None:
        folder = files(
            **{
                "lib__manifest.yaml": LENT,
                "lib__src__count.py": CODE,
                "lib__deployment.yaml": "packages: {words: {actions: {count: {inputs: {a: 1}}}}}",
            }
        )
        (lender,) = parsed(depending("./lib"), folder).dependencies
        assert lender.entities[-1].body["parameters"] == [{"key": "a", "value": 1}]

    def test_one_with_several_packages_is_refused(self, files: Files) -> None:
        folder = files(**{"lib__manifest.yaml": "packages: {a: {}, b: {}}"})
        with pytest.raises(ManifestError, match=r"m.yaml:4: .*must have one package, and has a, b"):
            parsed(depending("lib"), folder)

    def test_two_that_need_each_other_are_refused(self, files: Files) -> None:
        folder = files(**{"lib__manifest.yaml": "packages: {a: {dependencies: {b: {location: ..}}}}"})
        files(**{"manifest.yaml": depending("lib")})
        with pytest.raises(
            ManifestError, match=r"dependencies.b: '..' leads back to a project that needs it"
        ):
            parsed(depending("lib"), folder)

    def test_what_is_wrong_there_is_told_with_its_file(self, files: Files) -> None:
        folder = files(**{"lib__manifest.yaml": "packages: {a: {actoins: {}}}"})
        with pytest.raises(ManifestError, match=r"lib/manifest.yaml:1: a package has no key 'actoins'"):
            parsed(depending("lib"), folder)


class TestCodeAtAnAddress:
    def test_its_extension_tells_the_language(self, tmp_path: Path, pages: Pages) -> None:
        pages.pages["/raw/hello.py"] = CODE.encode()
        text = f"packages: {{p: {{actions: {{a: {{function: '{pages.address}/raw/hello.py'}}}}}}}}"
        assert parsed(text, tmp_path).entities[-1].body["exec"] == {"kind": "python:3.11", "code": CODE}

    def test_a_zip_is_carried_as_it_is(self, tmp_path: Path, pages: Pages) -> None:
        pages.pages["/hello.zip"] = b"PK"
        action = f"{{function: '{pages.address}/hello.zip', runtime: 'python:3'}}"
        found = parsed(f"packages: {{p: {{actions: {{a: {action}}}}}}}", tmp_path)
        assert found.entities[-1].body["exec"] == {"kind": "python:3", "code": "UEs="}

    def test_one_that_is_not_there_is_told_with_its_line(self, tmp_path: Path, pages: Pages) -> None:
        text = f"packages: {{p: {{actions: {{a: {{function: '{pages.address}/gone.py'}}}}}}}}"
        with pytest.raises(ManifestError, match=r"m.yaml:1: action p/a: .*gone.py answers 404"):
            parsed(text, tmp_path)
