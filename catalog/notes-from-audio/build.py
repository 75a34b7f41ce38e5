# /// script
# requires-python = ">=3.11"
# dependencies = ["basic-pitch==0.4.0"]  # the network, Apache-2.0
# [tool.uv]
# # Only a file of it is read; what it asks for, TensorFlow and more, is left out.
# dependency-metadata = [{ name = "basic-pitch", version = "0.4.0", requires-dist = [] }]
# ///
"""Takes `model.onnx`, the network of Basic Pitch, out of its package.

uv run --no-project --script build.py OUT
"""

import hashlib
import importlib.util
import sys
from pathlib import Path

PACKAGE, NETWORK = "basic_pitch", "saved_models/icassp_2022/nmp.onnx"
SHA256 = "2c3c1d144bfa61ad236e92e169c13535c880469a12a047d4e73451f2c059a0ec"


def build(package: Path, out: Path) -> None:
    data = (package / NETWORK).read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise ValueError(f"{NETWORK} has the SHA-256 {found}, not {SHA256}: it was changed, and is not taken")
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.onnx").write_bytes(data)
    print(f"took {NETWORK}, sha256 {found}")


if __name__ == "__main__":
    found = importlib.util.find_spec(PACKAGE)  # it is not imported: what it needs is not there
    if found is None or found.origin is None:
        raise SystemExit(f"{PACKAGE} is not installed: start this with `uv run --script`")
    build(Path(found.origin).parent, Path(sys.argv[1]))
