"""Says which of more than 200 types a file is of, from its content alone.

Magika, a small network on ONNX Runtime that looks at the first and last kilobytes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from magika import Magika


@dataclass
class FileType:
    """What a file is; `score` is how sure that is."""

    label: str
    description: str
    mime_type: str
    group: str
    extensions: list[str]
    is_text: bool
    score: float


class Model:
    def load(self) -> None:
        self.magika = Magika()

    def predict(self, file: Annotated[Path, "Any file; its name is not looked at"]) -> FileType:
        found = self.magika.identify_path(file)
        told = found.output
        return FileType(
            told.label,
            told.description,
            told.mime_type,
            told.group,
            list(told.extensions),
            told.is_text,
            found.score,
        )
