# /// script
# requires-python = ">=3.11"
# dependencies = ["silero-vad==6.2.3"]  # the weights, MIT
# [[tool.uv.dependency-metadata]]
# name = "silero-vad"
# version = "6.2.3"
# requires-dist = []  # its code is not run, so PyTorch is not needed
# ///
"""Takes `model.onnx` of Silero VAD, which reads 16 kHz and many frames at once, out of its package.

uv run --no-project --script build.py OUT
"""

import hashlib
import importlib.util
import sys
from pathlib import Path

NETWORK = "data/silero_vad_16k_sequence.onnx"
SHA256 = "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"


def build(out: Path) -> None:
    package = importlib.util.find_spec("silero_vad")  # found, not imported: it would import PyTorch
    network = (Path(package.origin).parent / NETWORK).read_bytes()  # type: ignore[union-attr,arg-type]
    found = hashlib.sha256(network).hexdigest()
    if found != SHA256:
        raise ValueError(f"{NETWORK} has the SHA-256 {found}, not {SHA256}: it was changed, and is not used")
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.onnx").write_bytes(network)
    print(f"wrote {out / 'model.onnx'}, {len(network)} bytes, sha256 {found}")


if __name__ == "__main__":
    build(Path(sys.argv[1]))
