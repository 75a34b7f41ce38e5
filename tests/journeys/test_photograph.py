"""A photograph put into a bucket becomes a named class in another one; the same model answers over HTTP."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from deepwhisk.objects.seaweed import Seaweed
from fixtures.machine import ROOT, Machine, until

EXAMPLES = ROOT / "catalog" / "image-classification" / "example"
COFFEE = EXAMPLES / "coffee.jpg"


def result_of(machine: Machine, key: str) -> dict[str, Any] | None:
    """The result object of an upload, if it is there."""
    prefix = f"image-classification/{key}/"
    found = list(machine.store.list("results", prefix))
    if not found:
        return None
    with machine.store.get("results", found[0].key) as body:
        return dict(json.loads(body.read()))


def client(machine: Machine) -> Any:
    """A plain boto3 client, as any user of S3 makes it."""
    settings = Seaweed(machine.state.folder / "store").settings
    return boto3.client(
        "s3",
        endpoint_url=settings.endpoint,
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key,
        region_name=settings.region,
    )


@pytest.mark.parametrize(
    "key",
    ["coffee.jpg", "with space+plus%41.jpg", "ä/漢字.jpg", "long/" + "k" * 195 + "/" + "j" * 190 + "/x.jpg"],
    ids=["plain", "odd", "unicode", "long"],
)
def test_a_photograph_put_with_plain_boto3_becomes_a_result(machine: Machine, key: str) -> None:
    client(machine).put_object(Bucket="uploads", Key=key, Body=COFFEE.read_bytes(), ContentType="image/jpeg")

    result = until(lambda: result_of(machine, key))

    assert result is not None
    assert result["event"]["key"] == key
    assert result["result"]["labels"][0] == "espresso"


def test_the_web_action_answers_a_photograph_from_any_http_client(machine: Machine) -> None:
    base = f"{machine.running.apihost}/api/v1/web/guest/models/image-classification"
    with COFFEE.open("rb") as image:
        answer = requests.post(
            f"{base}/v2/models/image-classification/predict/",
            files={"image": image},
            params={"top": 2},
            timeout=60,
        )

    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "OK"
    assert answer.json()["predictions"]["labels"][0] == "espresso"
    assert len(answer.json()["predictions"]["labels"]) == 2


def test_the_web_action_refuses_what_is_out_of_range_and_says_so(machine: Machine) -> None:
    base = f"{machine.running.apihost}/api/v1/web/guest/models/image-classification"
    with COFFEE.open("rb") as image:
        answer = requests.post(
            f"{base}/v2/models/image-classification/predict/",
            files={"image": image},
            params={"top": 99},
            timeout=60,
        )

    assert answer.status_code == 422
    assert "20" in answer.json()["top"][0]


def test_the_command_line_asks_the_same_model(machine: Machine) -> None:
    done = machine.tool("predict", "image-classification", "-i", f"image=@{COFFEE}", "-i", "top=1", "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["labels"] == ["espresso"]


def test_a_photograph_over_a_megabyte_travels_as_a_reference(machine: Machine, tmp_path: Path) -> None:
    from PIL import Image

    large = tmp_path / "large.png"
    with Image.open(COFFEE) as image:
        image.resize((1500, 1000)).save(large)
    assert large.stat().st_size > 1 << 20

    done = machine.tool("predict", "image-classification", "-i", f"image=@{large}", "-i", "top=1", "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["labels"] == ["espresso"]


def test_status_shows_all_parts(machine: Machine) -> None:
    done = until(lambda: found if (found := machine.tool("status", "--json")).returncode == 0 else None)

    assert done is not None, machine.tool("status").stdout
    parts = json.loads(done.stdout)["parts"]
    assert {part["name"]: part["state"] for part in parts} == dict.fromkeys(
        ("store", "engine", "feed", "batch"), "up"
    )


def test_models_lists_the_catalog_with_license_and_state(machine: Machine) -> None:
    done = machine.tool("models", "--json")

    models = {model["name"]: model for model in json.loads(done.stdout)}
    assert {"image-classification", "language-identification"} <= models.keys()
    assert models["image-classification"]["license"] == "Apache-2.0"
    assert models["image-classification"]["deployed"]


def test_a_second_deploy_changes_nothing(machine: Machine) -> None:
    done = machine.tool("deploy", "--dry-run", "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["changes"] == []
