"""Finds sleep spindles in recordings of the brain: bursts of 11 to 16 Hz that last about a second.

OpenSpindleNet on ONNX Runtime, in one thread; `recording.py` reads what sleep laboratories write.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

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
            place: SpindleDetector(model=place, device="cpu", threads=1, batch_size=1)
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
        seconds = recording.length(opened, signal)
        spindles, unknown = self.find(signal, seconds, self.detectors[place])
        told = [each for each in spindles if each.confidence >= threshold]
        return Spindles(signal.label, seconds, told, unknown)

    @staticmethod
    def find(
        signal: Any, seconds: float, detector: SpindleDetector
    ) -> tuple[list[Spindle], list[list[float]]]:
        """Give the spindles whose middle lies in each part, and what of each part was not evaluated."""
        spindles, unknown = [], []
        for begin, end, first, part in recording.parts(signal, seconds):
            found = detector.detect(part, signal.sampling_frequency)
            for start, stop, confidence in found.channel_intervals(0).tolist():
                if begin <= first + (start + stop) / 2 < end:
                    spindles.append(Spindle(first + start, first + stop, confidence))
            for start, stop in (first + found.not_evaluated[0]).tolist():
                if unknown and max(start, begin) <= unknown[-1][1]:
                    unknown[-1][1] = max(unknown[-1][1], min(stop, end))
                elif max(start, begin) < min(stop, end):
                    unknown.append([max(start, begin), min(stop, end)])
        return spindles, unknown
