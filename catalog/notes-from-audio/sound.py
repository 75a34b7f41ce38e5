"""Reads a sound as one channel at 22,050 samples a second, block by block."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr

RATE, BLOCK = 22_050, 4  # samples a second; seconds
LONGEST = 10 * 60  # seconds
RATES, CHANNELS = range(4_000, 192_001), range(1, 9)


def read(path: Path) -> np.ndarray:
    """Read a whole sound; a `ValueError` says what is wrong with the file."""
    try:
        # By its descriptor, since soundfile would believe an ending such as .raw.
        with path.open("rb") as file, soundfile.SoundFile(file.fileno(), closefd=False) as sound:
            refuse_odd(sound, path)
            return np.concatenate([np.zeros(0, np.float32), *resampled(sound)])
    except soundfile.LibsndfileError as error:
        raise ValueError(
            f"{path.name} is no sound that can be read: {error.error_string} "
            "Send a WAV, FLAC, OGG, Opus, MP3 or AIFF file."
        ) from error


def refuse_odd(sound: soundfile.SoundFile, path: Path) -> None:
    seconds = sound.frames / sound.samplerate
    if sound.samplerate not in RATES or sound.channels not in CHANNELS or seconds > LONGEST:
        raise ValueError(
            f"{path.name} has {sound.channels} channels of {sound.samplerate} samples a second and lasts "
            f"{seconds:.0f} s. Send at most {CHANNELS[-1]} channels, {RATES[0]} to {RATES[-1]} samples "
            f"a second, {LONGEST} s."
        )


def resampled(sound: soundfile.SoundFile) -> Iterator[np.ndarray]:
    stream = soxr.ResampleStream(sound.samplerate, RATE, 1, dtype="float32")
    for block in sound.blocks(sound.samplerate * BLOCK, dtype="float32", always_2d=True):
        yield stream.resample_chunk(np.nan_to_num(block.mean(axis=1)).clip(-1, 1))
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)
