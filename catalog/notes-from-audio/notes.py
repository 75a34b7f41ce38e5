"""From what the network hears in each frame to notes: where one begins, how long it sounds, what was missed.

Frames and pitches are rows and columns; a pitch is a key of the piano, 0 to 87.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

PAUSE = 11  # frames of silence that end a note


class Heard(NamedTuple):
    """A note: frames `begin` to `end` of a pitch, and how strongly it was heard."""

    begin: int
    end: int
    pitch: int
    strength: float


def heard(sounding: np.ndarray, begins: np.ndarray, onset: float, level: float, shortest: int) -> list[Heard]:
    """Give the notes by their beginnings, then those whose beginning was not heard, in order of time."""
    left = sounding.copy()
    found = [
        *begun(left, peaks(np.maximum(begins, rises(sounding, begins)), onset), level, shortest),
        *missed(left, level, shortest),
    ]
    told = [Heard(*each, float(sounding[each[0] : each[1], each[2]].mean())) for each in found]
    return sorted(told)


def rises(sounding: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """Give where a pitch grows louder over two frames, on the scale of the beginnings that were heard."""
    before = np.pad(sounding, ((2, 0), (0, 0)))
    growth = np.clip(np.minimum(sounding - before[1:-1], sounding - before[:-2]), 0, None)
    growth[:2] = 0
    most = growth.max(initial=0)
    return growth * (begins.max(initial=0) / most) if most else growth


def peaks(begins: np.ndarray, onset: float) -> np.ndarray:
    """Give frame and pitch of each beginning that is higher than those beside it, the last ones first."""
    inner = begins[1:-1]
    high = (inner > begins[:-2]) & (inner > begins[2:]) & (inner >= onset)
    return np.argwhere(high)[::-1] + np.array([1, 0])


def begun(
    left: np.ndarray, beginnings: np.ndarray, level: float, shortest: int
) -> Iterator[tuple[int, int, int]]:
    """Follow each beginning to its end, and take what it covers out of what is left."""
    for begin, pitch in beginnings.tolist():
        end = begin + 1 + until_silent(left[begin + 1 :, pitch], level)
        if end - begin > shortest:
            take(left, begin, end, pitch)
            yield begin, end, pitch


def missed(left: np.ndarray, level: float, shortest: int) -> Iterator[tuple[int, int, int]]:
    """Find notes in what is left, from the loudest frames in both directions."""
    loud = np.argwhere(left > level)
    order = np.argsort(-left[tuple(loud.T)], kind="stable")
    for middle, pitch in loud[order].tolist():
        if left[middle, pitch] == 0:  # it belongs to a note that was found since
            continue
        end = middle + 1 + until_silent(left[middle + 1 :, pitch], level)
        begin = middle - until_silent(left[:middle, pitch][::-1], level)
        take(left, begin, end, pitch)
        if end - begin > shortest:
            yield begin, end, pitch


def until_silent(levels: np.ndarray, level: float) -> int:
    """Give how many frames a note goes on: until `PAUSE` of them in a row are silent."""
    last = -1
    for number, value in enumerate(levels):
        if value >= level:
            last = number
        elif number - last >= PAUSE:
            break
    return last + 1


def take(left: np.ndarray, begin: int, end: int, pitch: int) -> None:
    """Take a note out, and what of it is heard in the pitches beside it."""
    left[begin:end, max(pitch - 1, 0) : pitch + 2] = 0
