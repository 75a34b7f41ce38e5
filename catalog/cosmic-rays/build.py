# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "deepCR==0.3.1",  # the weights, BSD-3-Clause
#     "numpy>=2,<3",
#     "onnx>=1.17,<2",
# ]
# [[tool.uv.dependency-metadata]]
# name = "deepCR"
# version = "0.3.1"
# requires-dist = []  # its code is not run, so neither are PyTorch and what else it asks for
# ///
"""Makes `model.onnx` of deepCR's network for Hubble's ACS/WFC from the checkpoint that its package holds.

    uv run --no-project --script build.py OUT

The checkpoint is a pickle, so it is never trusted: its digest must be the one below, and its reader knows
four names and refuses any other. The same package always gives the same bytes.
"""

import hashlib
import importlib.util
import math
import sys
from collections import OrderedDict
from pathlib import Path
from pickle import Unpickler, UnpicklingError
from typing import IO, Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHECKPOINT = "mask/ACS-WFC.pth"  # trained on the filters F435W, F606W and F814W
SHA256 = "0075cef7a8b72f3ecf449cac3793d3446720a97fc0ba812fb29863a9be1e7ace"
MAGIC = 0x1950A86A20F9469CFC6C  # opens every checkpoint that PyTorch wrote before 1.6
EPSILON = 1e-5  # of the batch normalization


class Place(NamedTuple):
    """Where in which run of numbers a tensor lies."""

    key: str
    offset: int
    shape: tuple[int, ...]


def place(storage: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> Place:
    """Stand in for `torch._utils._rebuild_tensor_v2`; numbers that do not lie in a row are refused."""
    if strides != tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape))):
        raise UnpicklingError(f"the numbers of a tensor {shape} do not lie in a row: {strides}")
    return Place(storage, offset, shape)


KNOWN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): place,
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
}


class Tensors(Unpickler):
    """Reads a pickle of tensors and nothing else: every name it may ask for is in `KNOWN`."""

    def __init__(self, file: IO[bytes], kinds: dict[str, np.dtype[Any]]) -> None:
        super().__init__(file)
        self.kinds = kinds

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in KNOWN:
            raise UnpicklingError(f"the checkpoint asks for {module}.{name}, which no tensor needs: refused")
        return KNOWN[module, name]

    def persistent_load(self, pid: tuple[Any, ...]) -> str:
        _, kind, key, *_ = pid
        self.kinds[key] = kind
        return str(key)


def read(file: IO[bytes]) -> dict[str, np.ndarray]:
    """Read the tensors of a checkpoint: five pickles, then the numbers of each storage."""
    kinds: dict[str, np.dtype[Any]] = {}
    magic, _version, _system, places, keys = (Tensors(file, kinds).load() for _ in range(5))
    if magic != MAGIC:
        raise UnpicklingError(f"the checkpoint begins with {magic!r}, not with PyTorch's {MAGIC}")
    numbers = {key: run(file, kinds[key]) for key in keys}
    return {name.removeprefix("module."): tensor(each, numbers) for name, each in places.items()}


def run(file: IO[bytes], kind: np.dtype[Any]) -> np.ndarray:
    """Read one storage: its length in 8 bytes, then its numbers."""
    count = int.from_bytes(file.read(8), "little")
    return np.frombuffer(file.read(count * kind.itemsize), kind, count)


def tensor(where: Place, numbers: dict[str, np.ndarray]) -> np.ndarray:
    end = where.offset + math.prod(where.shape)
    return numbers[where.key][where.offset : end].reshape(where.shape)


class Graph:
    """The network as it grows."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights, self.used = weights, set[str]()
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def take(self, name: str) -> np.ndarray:
        self.used.add(name)
        return self.weights[name].astype(np.float64)

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def conv(self, x: str, name: str, norm: str) -> str:
        """Add a convolution that has taken in the batch normalization after it."""
        parts = ("weight", "bias", "running_mean", "running_var")
        gamma, beta, mean, variance = (self.take(f"{norm}.{part}") for part in parts)
        scale = gamma / np.sqrt(variance + EPSILON)
        weight = self.constant(f"{name}.weight", self.take(f"{name}.weight") * scale[:, None, None, None])
        bias = self.constant(f"{name}.bias", (self.take(f"{name}.bias") - mean) * scale + beta)
        self.node("Conv", [x, weight, bias], name, kernel_shape=[3, 3], pads=[1] * 4)
        return self.node("Relu", [name], f"{name}.relu")

    def two(self, x: str, name: str) -> str:
        """Add two convolutions, the building block of a U-Net."""
        first = self.conv(x, f"{name}.conv.0", f"{name}.conv.1")
        return self.conv(first, f"{name}.conv.3", f"{name}.conv.4")

    def plain(self, kind: str, x: str, name: str, side: int) -> str:
        weight, bias = (
            self.constant(f"{name}.{part}", self.take(f"{name}.{part}")) for part in ("weight", "bias")
        )
        return self.node(kind, [x, weight, bias], name, kernel_shape=[side] * 2, strides=[side] * 2)


def network(weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    """Lay out the U-Net of two scales; every weight must find its place."""
    graph = Graph(weights)
    fine = graph.two("image", "inc.conv")
    halved = graph.node("MaxPool", [fine], "halved", kernel_shape=[2, 2], strides=[2, 2])
    coarse = graph.plain("ConvTranspose", graph.two(halved, "down1.mpconv.1"), "up8.up", 2)
    both = graph.node("Concat", [fine, coarse], "both", axis=1)
    graph.node("Sigmoid", [graph.plain("Conv", graph.two(both, "up8.conv"), "outc.conv", 1)], "probability")
    if left := {name for name in weights.keys() - graph.used if not name.endswith("num_batches_tracked")}:
        raise ValueError(f"deepCR's network has no place for these weights: {sorted(left)}")
    return model(graph)


def model(graph: Graph) -> onnx.ModelProto:
    """Give the graph its ends; opset 17 is read by every onnxruntime since 1.12."""
    sides = ["N", 1, "height", "width"]  # even
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, sides)
    probability = helper.make_tensor_value_info("probability", TensorProto.FLOAT, sides)
    whole = helper.make_graph(graph.nodes, "deepcr-acs-wfc", [image], [probability], graph.constants)
    made = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def verified(path: Path) -> Path:
    """Refuse a checkpoint that is not, byte for byte, the one this file was written for."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise ValueError(f"{path} has the SHA-256 {found}, not {SHA256}: it was changed, and is not read")
    print(f"read {path.name}, sha256 {found}")
    return path


def build(checkpoint: Path, out: Path) -> None:
    with verified(checkpoint).open("rb") as file:
        made = network(read(file)).SerializeToString(deterministic=True)
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.onnx").write_bytes(made)
    print(f"wrote {out / 'model.onnx'}, {len(made)} bytes, sha256 {hashlib.sha256(made).hexdigest()}")


if __name__ == "__main__":
    package = importlib.util.find_spec("learned_models")  # found, not imported: it would import PyTorch
    build(Path(package.origin).parent / CHECKPOINT, Path(sys.argv[1]))  # type: ignore[union-attr,arg-type]
