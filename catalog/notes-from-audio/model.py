"""Writes down the notes of a recording: any instrument or voice, also several notes at once.

Basic Pitch on ONNX Runtime, in one thread; `sound.py` reads sounds, `notes.py` makes notes of what was heard.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import notes
import numpy as np
import onnxruntime
import sound
from pydantic import Field

HOP = 256  # samples of a frame
WINDOW, MARGIN, KEPT = 43_844, 15, 142  # samples; frames at each end that are not sure; frames between
STEP = WINDOW - 2 * MARGIN * HOP
LOWEST = 21  # the piano's lowest key in MIDI
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


@dataclass
class Note:
    """A note: seconds from the beginning, its number in MIDI, its name, and how strongly it was heard."""

    start: float
    end: float
    pitch: int
    name: str
    strength: float


@dataclass
class Score:
    """The notes in order of time."""

    seconds: float
    notes: list[Note]


class Model:
    def load(self, weights: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(weights / "model.onnx", options, ["CPUExecutionProvider"])

    def predict(
        self,
        audio: Annotated[Path, "Recording: WAV, FLAC, OGG, Opus, MP3 or AIFF, of ten minutes at most"],
        onset: Annotated[
            float, Field(ge=0.05, le=0.95, description="How sure the beginning of a note must be")
        ] = 0.5,
        level: Annotated[float, Field(ge=0.05, le=0.95, description="How strongly a note must go on")] = 0.3,
        shortest: Annotated[
            float, Field(ge=0.02, le=5, description="Seconds that a note lasts at least")
        ] = 0.128,
    ) -> Score:
        samples = sound.read(audio)
        sounding, begins = self.listen(samples)
        found = notes.heard(sounding, begins, onset, level, round(shortest * sound.RATE / HOP))
        return Score(len(samples) / sound.RATE, [written(each) for each in found])

    def listen(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give how sure it is, in each frame and pitch, that a note sounds and that one begins."""
        padded = np.pad(samples, (MARGIN * HOP, WINDOW))
        names = ["StatefulPartitionedCall:1", "StatefulPartitionedCall:2"]
        heard = [
            self.session.run(names, {"serving_default_input_2:0": padded[None, at : at + WINDOW, None]})
            for at in range(0, max(len(samples), 1), STEP)
        ]
        sounding, begins = (
            np.concatenate([each[k][0, MARGIN : MARGIN + KEPT] for each in heard]) for k in (0, 1)
        )
        frames = len(samples) // HOP + 1
        return sounding[:frames], begins[:frames]


def seconds(frame: int) -> float:
    window, inside = divmod(frame, KEPT)
    return round((window * STEP + inside * HOP) / sound.RATE, 3)


def written(note: notes.Heard) -> Note:
    pitch = note.pitch + LOWEST
    name = f"{NAMES[pitch % 12]}{pitch // 12 - 1}"
    return Note(seconds(note.begin), seconds(note.end), pitch, name, round(note.strength, 3))
