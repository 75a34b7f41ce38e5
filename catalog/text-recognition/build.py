# /// script
# requires-python = ">=3.11"
# dependencies = ["rapidocr-onnxruntime==1.4.4"]  # the networks, Apache-2.0
# [tool.uv]
# # Only files of it are read; what it asks for, an OpenCV with windows among it, is left out.
# dependency-metadata = [{ name = "rapidocr-onnxruntime", version = "1.4.4", requires-dist = [] }]
# ///
"""Takes the two networks of PP-OCRv4 from a package: one finds lines of text, one reads them.

    uv run --no-project --script build.py OUT

Nothing is taken whose digest is not the one below.
"""

import hashlib
import importlib.util
import sys
from pathlib import Path

PACKAGE = "rapidocr_onnxruntime"
NETWORKS = {
    "finder.onnx": (
        "ch_PP-OCRv4_det_infer.onnx",
        "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9",
    ),
    "reader.onnx": (
        "ch_PP-OCRv4_rec_infer.onnx",
        "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b",
    ),
}


def build(package: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, (file, expected) in NETWORKS.items():
        data = (package / "models" / file).read_bytes()
        found = hashlib.sha256(data).hexdigest()
        if found != expected:
            raise ValueError(
                f"{file} has the SHA-256 {found}, not {expected}: it was changed, and is not taken"
            )
        (out / name).write_bytes(data)
        print(f"took {file}, sha256 {found}")


if __name__ == "__main__":
    found = importlib.util.find_spec(PACKAGE)  # it is not imported: what it needs is not there
    if found is None or found.origin is None:
        raise SystemExit(f"{PACKAGE} is not installed: start this with `uv run --script`")
    build(Path(found.origin).parent, Path(sys.argv[1]))
