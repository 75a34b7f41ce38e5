"""The imports of a zygote: what every fork then has for nothing."""

import gc
import importlib
import os
import pkgutil
import threading
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

# What a plain import of a top-level module leaves to the first use.
DEEPER = {
    "PIL": (
        "PIL.ImageOps",
        "PIL.BmpImagePlugin",
        "PIL.GifImagePlugin",
        "PIL.JpegImagePlugin",
        "PIL.PngImagePlugin",
    ),
    "pydantic": ("pydantic.main", "pydantic.type_adapter", "pydantic.json_schema", "pydantic.dataclasses"),
}


def load(modules: list[str], distributions: list[str]) -> dict[str, Any]:
    """Import; a module that fails is told, since its action may never need it."""
    failed = {}
    for module in [*modules, *provided(distributions), *own()]:
        for name in (module, *DEEPER.get(module, ())):
            try:
                importlib.import_module(name)
            except Exception as fault:  # noqa: BLE001  whatever a foreign module raises
                failed[name] = f"{type(fault).__name__}: {fault}"
    rehearse()
    gc.collect()
    gc.freeze()
    return {"ready": True, "failed": failed, "threads": threads()}


def rehearse() -> None:
    """What pydantic does for its first schema takes 30 ms: done here, once."""
    TypeAdapter(dict[str, int]).json_schema()


def provided(distributions: list[str]) -> list[str]:
    """The public top-level modules of distributions, by their normalized names."""
    wanted = set(distributions)
    return [
        module
        for module, homes in metadata.packages_distributions().items()
        if module.isidentifier()
        and not module.startswith("_")
        and any(home.lower().replace("_", "-").replace(".", "-") in wanted for home in homes)
    ]


def own() -> list[str]:
    """The modules of this package; the last imports what the first calls need."""
    package = str(Path(__file__).parent)
    names = (module.name for module in pkgutil.iter_modules([package]))
    return [f"{__package__}.{name}" for name in names if name not in ("__main__", "zygote")]


def threads() -> int:
    return max(len(os.listdir("/proc/self/task")), threading.active_count())
