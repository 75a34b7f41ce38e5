"""The requirements.txt of an action, in containers of our images."""

import base64
import io
import zipfile
from pathlib import Path

from deepwhisk_runtime.packages import FAILED
from fixtures.docker import PYTHON_IMAGE, DockerHost
from fixtures.engine import wait_until

WHEEL = "thing-1.0-py3-none-any.whl"
INFO = "thing-1.0.dist-info"
MAIN = "def main(args):\n    import thing\n    return {'word': thing.WORD}\n"


def zipped(members: dict[str, str | bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return held.getvalue()


def wheel() -> bytes:
    return zipped(
        {
            "thing.py": "WORD = 'found'\n",
            f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n",
            f"{INFO}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{INFO}/RECORD": "",
        }
    )


def init(members: dict[str, str | bytes]) -> dict[str, object]:
    code = base64.b64encode(zipped(members)).decode()
    return {"value": {"code": code, "binary": True, "main": "main"}}


def test_what_an_action_asks_for_is_installed(docker: DockerHost, tmp_path: Path) -> None:
    members: dict[str, str | bytes] = {
        "__main__.py": MAIN,
        "requirements.txt": f"./{WHEEL}\n",
        WHEEL: wheel(),
    }
    with docker.running(PYTHON_IMAGE, tmp_path) as container:
        assert container.post("/init", init(members))[0] == 200
        assert container.post("/run", {"value": {}}) == (200, {"word": "found"})


def test_what_cannot_be_had_is_told_in_the_log(docker: DockerHost, tmp_path: Path) -> None:
    members: dict[str, str | bytes] = {"__main__.py": MAIN, "requirements.txt": f"./{WHEEL}\n"}
    with docker.running(PYTHON_IMAGE, tmp_path) as container:
        assert container.post("/init", init(members)) == (502, {"error": FAILED})
        wait_until(lambda: WHEEL in (container.folder / "stderr").read_text())


def test_an_image_with_a_model_inside_has_it_already(
    docker: DockerHost, model_image: str, tmp_path: Path
) -> None:
    members: dict[str, str | bytes] = {
        "__main__.py": "def main(args):\n    return {}\n",
        "requirements.txt": "./no.whl\n",
    }
    with docker.running(model_image, tmp_path) as container:
        assert container.post("/init", init(members))[0] == 200
