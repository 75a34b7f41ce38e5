"""Turns texts into vectors that are near each other when the texts mean something alike.

all-MiniLM-L6-v2 in 8-bit integers on ONNX Runtime, in one thread. `build.py` takes its weights out of two
packages, `wordpiece.py` cuts texts.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import onnxruntime
import wordpiece
from pydantic import Field

PIECES = 254  # of a text; what follows is not read
Text = Annotated[str, Field(min_length=1, max_length=20_000)]


@dataclass
class Embedding:
    """A vector of 384 numbers for each text, and how alike each two texts are: 1 is the same, 0 unrelated.

    `cut` has the positions of the texts that were too long and read in part.
    """

    embeddings: list[list[float]]
    similarity: list[list[float]]
    cut: list[int]


class Model:
    def load(self, weights: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(weights / "model.onnx", options, ["CPUExecutionProvider"])
        self.tokenizer = wordpiece.Tokenizer(json.loads((weights / "vocabulary.json").read_text()))

    def predict(
        self, texts: Annotated[list[Text], Field(min_length=1, max_length=64, description="Texts in English")]
    ) -> Embedding:
        numbered = [self.tokenizer.numbered(text) for text in texts]
        if empty := [text for text, numbers in zip(texts, numbered, strict=True) if not numbers]:
            raise ValueError(f"There are no words in {empty[0][:40]!r}. Send a sentence or a few words.")
        vectors = np.stack([self.embed(numbers[:PIECES]) for numbers in numbered])
        alike = (vectors @ vectors.T).clip(-1, 1)
        cut = [place for place, numbers in enumerate(numbered) if len(numbers) > PIECES]
        return Embedding(vectors.round(6).tolist(), alike.round(4).tolist(), cut)

    def embed(self, numbers: list[int]) -> np.ndarray:
        """Give the mean of what the network says of each piece, at length 1."""
        pieces = np.array([self.tokenizer.framed(numbers)], np.int64)
        kinds = {"attention_mask": np.ones_like(pieces), "token_type_ids": np.zeros_like(pieces)}
        mean = self.session.run(None, {"input_ids": pieces, **kinds})[0][0].mean(axis=0, dtype=np.float64)
        return np.asarray(mean / np.linalg.norm(mean))
