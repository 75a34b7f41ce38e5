"""What an image holds, as CycloneDX: packages of Python and Debian, weights and the model itself.

The same image has the same text.
"""

import uuid
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from deepwhisk.images.building import Built

_LONGEST = 100  # characters of what is a license's name; some packages put the whole text there


def write_sbom(built: Built, target: Path) -> None:
    """Write what a build holds."""
    target.write_text(JsonV1Dot6(_bom(built)).output_as_string(indent=2) + "\n", encoding="utf-8")


def _bom(built: Built) -> Bom:
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, built.id), components=_components(built))
    bom.metadata.timestamp = datetime.fromisoformat(built.created)
    bom.metadata.component = image = _image(built)
    bom.metadata.tools.components.add(
        Component(name="deepwhisk", version=version("deepwhisk"), type=ComponentType.APPLICATION)
    )
    bom.register_dependency(image, bom.components)
    return bom


def _image(built: Built) -> Component:
    name, _, tag = built.name.rpartition(":")
    described = {key.rpartition(".")[2]: value for key, value in built.labels.items()}
    return Component(
        name=name,
        version=tag,
        type=ComponentType.CONTAINER,
        bom_ref=built.id,
        description=described["description"],
        licenses=_license(described.get("licenses")),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=built.id.partition(":")[2])],
    )


def _components(built: Built) -> Iterator[Component]:
    for each in built.contents["packages"]:
        url = PackageURL("pypi", None, each["name"].lower().replace("_", "-"), each["version"])
        yield _library(each["name"], each["version"], url, each["license"])
    for each in built.contents["system"]:
        url = PackageURL("deb", "debian", each["name"], each["version"], {"arch": each["architecture"]})
        yield _library(each["name"], each["version"], url, None)
    for each in built.contents["weights"]:
        yield Component(
            name=f"/weights/{each['name']}",
            type=ComponentType.FILE,
            bom_ref=f"weights:{each['name']}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each["sha256"])],
        )


def _library(name: str, number: str, url: PackageURL, license_name: str | None) -> Component:
    return Component(
        name=name,
        version=number,
        type=ComponentType.LIBRARY,
        bom_ref=url.to_string(),
        purl=url,
        licenses=_license(license_name),
    )


def _license(told: str | None) -> list[License]:
    """By its identifier where it is one."""
    text = (told or "").strip()
    if not text or "\n" in text or len(text) > _LONGEST:
        return []
    return [LicenseFactory().make_from_string(text)]
