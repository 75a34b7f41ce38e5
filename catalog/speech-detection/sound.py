"""Reads a sound as blocks of one channel at 16 kHz, so that its length hardly costs memory."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

RATE, BLOCK = 16_000, 4  # samples a second; seconds
LONGEST = 3 * 3600  # seconds
RATES, CHANNELS = range(4_000, 192_001), range(1, 9)


def blocks(path: Path) -> Iterator[np.ndarray]:
    """Give block after block; a `ValueError` says what is wrong with the file."""
    try:
        # By its descriptor, since soundfile would believe an ending such as .raw.
        with path.open("rb") as file, soundfile.SoundFile(file.fileno(), closefd=False) as sound:
            refuse_odd(sound, path)
            for block in sound.blocks(sound.samplerate * BLOCK, dtype="float32", always_2d=True):
                mono = np.nan_to_num(block.mean(axis=1)).clip(-1, 1)
                yield resampled(mono, sound.samplerate)
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


def resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    """Bring samples to `RATE`: what is too high for it is damped, then points between them are read."""
    if rate == RATE or not len(samples):
        return samples
    reach = round(rate / RATE)
    if reach > 1:
        window = np.hanning(2 * reach + 3)[1:-1]
        samples = np.convolve(np.pad(samples, reach, "edge"), window / window.sum(), "valid")
    wanted = np.arange(round(len(samples) * RATE / rate)) * (rate / RATE)
    return np.interp(wanted, np.arange(len(samples)), samples).astype(np.float32)
