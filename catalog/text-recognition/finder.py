"""Finds where text stands: the network marks pixels, whose patches become slanted rectangles."""

import math
from collections.abc import Iterator

import cv2
import numpy as np

MARK = 0.3  # from which probability a pixel belongs to text
SURE = 0.5  # from which mean of them a patch does
SMALLEST = 3  # pixels that a line is high at least
GROWTH = 1.6  # the network marks the core of a line; the line is larger by this
STEP = 32  # the network wants sides of so many pixels, or of a multiple
SHORTEST, LARGEST = 640, 1_000_000  # pixels of the longer side at least, and of all at most, when it looks


def scaled(pixels: np.ndarray) -> np.ndarray:
    """Give the network a picture of a size that it can take in."""
    height, width = pixels.shape[:2]
    scale = min(max(SHORTEST / max(height, width), 1), math.sqrt(LARGEST / (height * width)))
    sides = [max(round(side * scale / STEP), 1) * STEP for side in (width, height)]
    small = cv2.resize(pixels, sides, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return np.ascontiguousarray((small.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None])


def rectangles(probabilities: np.ndarray, size: tuple[int, int]) -> list[np.ndarray]:
    """Give the corners of each line of text in a picture of that height and width, as one reads them."""
    mask = cv2.dilate((probabilities > MARK).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    scale = np.array([size[1] / mask.shape[1], size[0] / mask.shape[0]])
    last = np.array([size[1] - 1, size[0] - 1])
    return in_order([np.clip(each * scale, 0, last) for each in grown(contours, probabilities)])


def grown(contours: tuple[np.ndarray, ...], probabilities: np.ndarray) -> Iterator[np.ndarray]:
    """Give the rectangle of each contour that the network is sure of, with the rim of its letters."""
    for contour in contours:
        center, (width, height), angle = cv2.minAreaRect(contour)
        core = cv2.boxPoints((center, (width, height), angle))
        if min(width, height) < SMALLEST or sureness(core, probabilities) < SURE:
            continue
        rim = GROWTH * width * height / (width + height)
        yield upright(cv2.boxPoints((center, (width + rim, height + rim), angle)))


def sureness(corners: np.ndarray, probabilities: np.ndarray) -> float:
    """Give the mean probability inside of a rectangle."""
    left, top, width, height = cv2.boundingRect(corners)
    left, top = max(left, 0), max(top, 0)
    part = probabilities[top : top + height, left : left + width]
    inside = np.zeros(part.shape, np.uint8)
    cv2.fillConvexPoly(inside, (corners - (left, top)).astype(np.int32), 1)
    return float(cv2.mean(part, inside)[0])


def upright(corners: np.ndarray) -> np.ndarray:
    """Order corners: top left, top right, bottom right, bottom left."""
    by_x = corners[np.argsort(corners[:, 0])]
    left, right = (pair[np.argsort(pair[:, 1])] for pair in (by_x[:2], by_x[2:]))
    return np.array([left[0], right[0], right[1], left[1]], np.float32)


def in_order(found: list[np.ndarray]) -> list[np.ndarray]:
    """Order lines from top to bottom; what overlaps in height by half is one row, from left to right."""
    rows: list[list[np.ndarray]] = []
    for corners in sorted(found, key=lambda each: float(each[:, 1].mean())):
        height = float(np.ptp(corners[[0, 3], 1]))
        if rows and abs(corners[:, 1].mean() - rows[-1][0][:, 1].mean()) < height / 2:
            rows[-1].append(corners)
        else:
            rows.append([corners])
    return [corners for row in rows for corners in sorted(row, key=lambda each: float(each[0, 0]))]
