"""Says when somebody speaks in a sound.

Silero VAD on ONNX Runtime, in one thread. `build.py` takes its weights out of a package, `sound.py` reads
sounds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import onnxruntime
import sound
from pydantic import Field

FRAME, CONTEXT, STATE = 512, 64, 128  # samples, samples before them, numbers that the network remembers
SECONDS = FRAME / sound.RATE  # 32 ms
LOWER = 0.15  # speech goes on while its probability is no further than this below the threshold
AROUND = 0.03  # seconds that are kept before and after


@dataclass
class Segment:
    """A stretch of speech, in seconds from the beginning."""

    start: float
    end: float


@dataclass
class Speech:
    """When somebody speaks; `speech` and `duration` are seconds."""

    segments: list[Segment]
    speech: float
    duration: float


class Model:
    def load(self, weights: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(weights / "model.onnx", options, ["CPUExecutionProvider"])

    def predict(
        self,
        audio: Annotated[Path, "Sound: WAV, FLAC, OGG, Opus, MP3 or AIFF, of at most three hours"],
        threshold: Annotated[float, Field(ge=0.2, le=0.95, description="Least probability of speech")] = 0.5,
        pause: Annotated[
            float, Field(ge=0.1, le=10, description="Seconds of silence that end a segment")
        ] = 0.3,
        shortest: Annotated[float, Field(ge=0, le=10, description="Seconds of a segment at least")] = 0.25,
    ) -> Speech:
        samples, probabilities = 0, []
        for count, some in self.probabilities(sound.blocks(audio)):
            samples += count
            probabilities.extend(some)
        duration = samples / sound.RATE
        found = [
            Segment(round(max(0, start - AROUND), 3), round(min(duration, end + AROUND), 3))
            for start, end in stretches(probabilities, threshold, pause)
            if end - start >= shortest
        ]
        return Speech(
            found, round(sum((each.end - each.start for each in found), 0.0), 3), round(duration, 3)
        )

    def probabilities(self, blocks: Iterator[np.ndarray]) -> Iterator[tuple[int, list[float]]]:
        """Give, for each block, its samples and the probability of speech in each of its frames."""
        before = np.zeros(CONTEXT, np.float32)
        hidden = cell = np.zeros((1, 1, STATE), np.float32)
        for block in blocks:
            frames = np.pad(block, (0, -len(block) % FRAME)).reshape(-1, FRAME)
            if not len(frames):
                continue
            contexts = np.vstack([before, frames[:-1, -CONTEXT:]])
            feed = {"input": np.hstack([contexts, frames]), "h": hidden, "c": cell}
            found, hidden, cell = self.session.run(["speech_probs", "hn", "cn"], feed)
            before = frames[-1, -CONTEXT:]
            yield len(block), found.tolist()


def stretches(probabilities: list[float], threshold: float, pause: float) -> Iterator[tuple[float, float]]:
    """Give start and end of each stretch: it begins above the threshold, and ends with a pause."""
    start, end = None, 0
    for number, probability in enumerate(probabilities):
        if probability >= threshold - (LOWER if start is not None else 0):
            start, end = number if start is None else start, number + 1
        elif start is not None and (number + 1 - end) * SECONDS >= pause:
            yield start * SECONDS, end * SECONDS
            start = None
    if start is not None:
        yield start * SECONDS, end * SECONDS
