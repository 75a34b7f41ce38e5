"""Finds sleep spindles in recordings of the brain: bursts of 11 to 16 Hz that last about a second.

OpenSpindleNet on ONNX Runtime, in one thread; `recording.py` reads what sleep laboratories write.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import recording
from brainmaze_eeg_models.spindles import SpindleDetector
from pydantic import Field


@dataclass
class Spindle:
    """One spindle, in seconds from the beginning of the recording."""

    start: float
    end: float
    confidence: float


@dataclass
class Spindles:
    """The spindles of one channel; about what was `not_evaluated`, from second to second, nothing is said."""

    channel: str
    seconds: float
    spindles: list[Spindle]
    not_evaluated: list[list[float]]


class Model:
    def load(self) -> None:
        self.detectors = {
            place: SpindleDetector(model=place, device="cpu", threads=1, batch_size=4)
            for place in ("eeg", "ieeg")
        }

    def predict(
        self,
        file: Annotated[Path, "Recording of half a minute or more: EDF, EDF+ or BDF"],
        channel: Annotated[str, Field(max_length=80, description="Label of a channel, else the first")] = "",
        place: Annotated[
            Literal["eeg", "ieeg"], "Electrodes on the scalp (eeg) or inside of it (ieeg)"
        ] = "eeg",
        threshold: Annotated[
            float, Field(ge=0.5, le=1, description="Spindles of a lower confidence are left out")
        ] = 0.5,
    ) -> Spindles:
        opened = recording.opened(file)
        signal = recording.channel(opened, channel)
        found = self.detectors[place].detect(recording.microvolts(opened, signal), signal.sampling_frequency)
        spindles = [Spindle(*each) for each in found.channel_intervals(0).tolist() if each[2] >= threshold]
        return Spindles(signal.label, found.duration_s, spindles, found.not_evaluated[0].tolist())
