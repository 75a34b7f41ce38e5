"""An action of a system package: a module of ours, which is its code and says what it takes and gives.

`main` is what runs; PARAMETERS are its parameters as `wsk package get --summary` shows them, SAMPLE an input
and what comes of it. The module must be able to stand alone: it imports nothing but the standard library.
"""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

KIND = "python:default"


@dataclass(frozen=True, slots=True)
class SystemAction:
    """One action, named as its module."""

    module: ModuleType

    @property
    def name(self) -> str:
        return self.module.__name__.rpartition(".")[2]

    def body(self) -> dict[str, Any]:
        """What it is put with."""
        given, gives = self.module.SAMPLE
        annotations = {
            "description": str(self.module.__doc__).partition("\n")[0],
            "parameters": self.module.PARAMETERS,
            "sampleInput": given,
            "sampleOutput": gives,
        }
        code = Path(str(self.module.__file__)).read_text(encoding="utf-8")
        return {
            "exec": {"kind": KIND, "code": code},
            "annotations": [{"key": key, "value": value} for key, value in annotations.items()],
        }
