"""Reads one line of text: cut out and laid flat, then told letter by letter, as the network was taught to."""

import cv2
import numpy as np

HEIGHT, NARROWEST = 48, 320  # pixels of a line as the network wants it
WIDEST = 4800  # 100 times as wide as high: wider lines are squeezed
NOTHING, FAINT = 0, 0.03  # the step between letters; what a space there has at least
STANDING = 1.5  # what is higher than wide by this stands on end


def cut(pixels: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Cut a slanted rectangle out of a picture and lay it flat."""
    width = max(int(np.linalg.norm(corners[0] - corners[1])), 1)
    height = max(int(np.linalg.norm(corners[0] - corners[3])), 1)
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    turn = cv2.getPerspectiveTransform(corners.astype(np.float32), flat)
    line = cv2.warpPerspective(
        pixels, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.rot90(line) if height >= STANDING * width else line


def scaled(line: np.ndarray) -> np.ndarray:
    """Make a line as high as the network wants it, and wide enough, with gray at its end."""
    height, width = line.shape[:2]
    width = min(max(round(HEIGHT * width / height), 1), WIDEST)
    small = cv2.resize(np.ascontiguousarray(line), (width, HEIGHT)).astype(np.float32) / 127.5 - 1
    whole = np.zeros((1, 3, HEIGHT, max(width, NARROWEST)), np.float32)
    whole[0, :, :, :width] = small.transpose(2, 0, 1)
    return whole


def letters(probabilities: np.ndarray, characters: list[str]) -> tuple[str, float]:
    """Give the text that the steps of the network spell, and the mean probability of its letters.

    The network learnt Chinese first and hardly believes in spaces: a faint one counts where no letter is.
    """
    best, space = probabilities.argmax(axis=1), len(characters)
    best[(best == NOTHING) & (probabilities[:, space] > FAINT)] = space
    new = (best != NOTHING) & (np.diff(best, prepend=NOTHING) != 0)
    text = "".join(characters[number - 1] for number in best[new])
    sure = probabilities.max(axis=1)[new & (best != space)]
    return " ".join(text.split()), float(sure.mean()) if len(sure) else 0.0
