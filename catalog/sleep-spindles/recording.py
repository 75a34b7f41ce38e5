"""Reads a recording as sleep laboratories write it, EDF, EDF+ or BDF: one channel of voltages of it."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from edfio import read_bdf, read_edf

SAMPLES = 10_000_000  # of a channel: eleven hours at 250 Hz
PART, MARGIN = 3600, 30  # seconds that are looked at together, and what is looked at around them
BDF = b"\xffBIOSEMI"  # so begin files of 24 bits; any other is read as EDF
UNITS = {"uv": 1.0, "µv": 1.0, "μv": 1.0, "mv": 1e3, "nv": 1e-3, "v": 1e6}  # in microvolts


def opened(path: Path) -> Any:
    """Open a recording, without its samples; a `ValueError` says why it cannot be."""
    with path.open("rb") as file:
        read = read_bdf if file.read(len(BDF)) == BDF else read_edf
    try:
        return read(path)
    except (ValueError, LookupError, OSError, OverflowError, ZeroDivisionError) as error:
        raise ValueError(
            f"{path.name} is no recording that can be read: {error}. Send an EDF, EDF+ or BDF file."
        ) from error


def channel(recording: Any, label: str) -> Any:
    """Find a channel by its label; the first one where none is named."""
    signals = [signal for signal in recording.signals if signal.physical_dimension.lower() in UNITS]
    found = [signal for signal in signals if label in ("", signal.label)]
    if not found:
        labels = ", ".join(signal.label for signal in signals) or "none with a voltage"
        raise ValueError(f"The recording has no channel {label!r}; its channels are: {labels}.")
    return found[0]


def length(recording: Any, signal: Any) -> float:
    """Give the seconds of a channel, which must not be too many."""
    count = recording.num_data_records * signal.samples_per_data_record
    if count > SAMPLES:
        raise ValueError(f"{signal.label} has {count:,} samples; it may have {SAMPLES:,}. Send it in parts.")
    return float(count / signal.sampling_frequency)


def parts(signal: Any, seconds: float) -> Iterator[tuple[float, float, float, np.ndarray]]:
    """Give parts that need little memory: begin and end in seconds, where its samples begin, and these."""
    edges = [float(edge) for edge in range(0, max(int(seconds) - PART // 2, 1), PART)] + [seconds]
    for begin, end in pairwise(edges):
        first = max(begin - MARGIN, 0)
        samples = signal.get_data_slice(first, min(end + MARGIN, seconds))
        yield begin, end, first, samples * UNITS[signal.physical_dimension.lower()]
