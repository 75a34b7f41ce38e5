"""The embedded store through both drivers: how long a put, get, head and link take."""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks import Row
from deepwhisk.objects.seaweed import Seaweed
from deepwhisk.objects.store import Store
from deepwhisk.objects.stores import open_store

ROUNDS = 300
BUCKET = "benchmark"
PHOTOGRAPH = bytes(range(256)) * 800  # 200 KB


def measure() -> list[Row]:
    """Each verb in turn on both drivers, interleaved, so that what else the machine does hurts both."""
    with tempfile.TemporaryDirectory() as folder, Seaweed(Path(folder)) as store:
        drivers = [open_store(replace(store.settings, driver=name), [BUCKET]) for name in ("s3", "minio")]
        drivers[0].put(BUCKET, "small", b"x" * 1024)
        drivers[0].put(BUCKET, "photograph", PHOTOGRAPH)
        return [row(verb, *medians(act, drivers)) for verb, act in VERBS.items()]


def get(store: Store, key: str) -> bytes:
    with store.get(BUCKET, key) as body:
        return body.read()


VERBS: dict[str, Callable[[Store, int], object]] = {
    "put 1 KB": lambda store, _: store.put(BUCKET, "small", b"x" * 1024),
    "put 1 KB if absent": lambda store, turn: store.put(
        BUCKET, f"{id(store)}-{turn}", b"x" * 1024, if_absent=True
    ),
    "put a photograph (200 KB)": lambda store, _: store.put(BUCKET, "photograph", PHOTOGRAPH),
    "get 1 KB": lambda store, _: get(store, "small"),
    "get a photograph": lambda store, _: get(store, "photograph"),
    "head": lambda store, _: store.head(BUCKET, "small"),
    "sign a link": lambda store, _: store.link(BUCKET, "small"),
}


def medians(act: Callable[[Store, int], object], drivers: list[Store]) -> list[float]:
    """Milliseconds, the median for each driver."""
    taken: list[list[float]] = [[] for _ in drivers]
    for turn in range(ROUNDS):
        for times, driver in zip(taken, drivers, strict=True):
            start = time.perf_counter()
            act(driver, turn)
            times.append((time.perf_counter() - start) * 1000)
    return [statistics.median(times) for times in taken]


def row(verb: str, boto3: float, minio: float) -> Row:
    return Row(
        f"store: {verb}, p50",
        f"{boto3:.2f} ms (boto3)",
        f"{minio:.2f} ms (minio SDK)",
        f"{boto3 / minio:.2f}",
        "none",
        True,
    )
