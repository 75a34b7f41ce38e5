"""What every model of the catalog costs: its cold start, one warm call, the memory of one more container.

Each is asked for its first example, and the fastest time counts, since what else the machine does only adds.
The figures are written into the model's metadata too, and from there into docs/catalog.md.
"""

import asyncio
import base64
import math
import re
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import uvloop

from benchmarks import Row
from benchmarks.containers import call, executable, machine_pool, total, zipped
from deepwhisk.engine.invocation import SUCCESS, Executable
from deepwhisk.engine.pool import MachinePool
from deepwhisk.examples import read_examples
from deepwhisk.project import read_project
from deepwhisk.project.catalog import Model

ROOT = Path(__file__).parent.parent
PAGE, BEGIN, END = (
    ROOT / "docs" / "catalog.md",
    "<!-- costs: made by `make bench` -->",
    "<!-- end of costs -->",
)
COLD_STARTS, CALLS, SECONDS = 5, 50, 5
KEYS = ("cold_ms", "warm_ms", "warm_memory_MB")


def measure() -> list[Row]:
    rows = []
    for model in read_project(ROOT).models:
        with tempfile.TemporaryDirectory(prefix="b-") as folder:
            figures = uvloop.run(_measure(model, Path(folder)))
        write(model.folder / "ai4-metadata.yml", figures)
        rows.append(row(model, figures))
    tell(read_project(ROOT).models)
    return rows


def row(model: Model, figures: Mapping[str, float]) -> Row:
    cold, warm, more = (figures[key] for key in KEYS)
    return Row(
        f"model {model.name}: one warm call",
        f"{warm:g} ms",
        f"{cold:g} ms: a cold start with its first call; {more:g} MB: one more warm container",
        f"{warm / cold:.2f}",
        f"≤ {model.memory} MB",
        more <= model.memory,
    )


async def _measure(model: Model, folder: Path) -> dict[str, float]:
    code, given = zipped(model.folder), payload(model)
    async with machine_pool(folder) as (pool, scratch):
        await pool.run(action(model, code, 0), call(**given))  # makes its environment and its weights
        before = await asyncio.to_thread(total, scratch)
        cold = [await milliseconds(pool, action(model, code, 1 + n), given) for n in range(COLD_STARTS)]
        grown = (await asyncio.to_thread(total, scratch) - before) / COLD_STARTS / (1 << 20)
        warm = await fastest(pool, action(model, code, COLD_STARTS), given)
    return {"cold_ms": round(min(cold)), "warm_ms": round(warm, 1), "warm_memory_MB": round(grown)}


def payload(model: Model) -> dict[str, Any]:
    """The first example of a model, its files as base64."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return list(map(plain, value))
        return base64.b64encode(value.read_bytes()).decode() if isinstance(value, Path) else value

    return {name: plain(value) for name, value in read_examples(model.folder)[0].input.items()}


def action(model: Model, code: str, number: int) -> Executable:
    name = f"{model.name}-{number}"
    return executable(code, name, binary=True, memory=model.memory, timeout=model.timeout)


async def milliseconds(pool: MachinePool, action: Executable, given: Mapping[str, Any]) -> float:
    begun = time.perf_counter()
    outcome = await pool.run(action, call(**given))
    took = (time.perf_counter() - begun) * 1000
    if outcome.status != SUCCESS:
        raise RuntimeError(f"{action.key[1]} failed: {outcome.result}")
    return took


async def fastest(pool: MachinePool, action: Executable, given: Mapping[str, Any]) -> float:
    """The best of some calls, of fewer where they take long."""
    begun, best = time.perf_counter(), math.inf
    for _ in range(CALLS):
        best = min(best, await milliseconds(pool, action, given))
        if time.perf_counter() - begun > SECONDS:
            break
    return best


def write(metadata: Path, figures: Mapping[str, float]) -> None:
    """Put the figures below the limits of `resources.inference`, in the place of older ones."""
    text = re.sub(rf"^    (?:{'|'.join(KEYS)}): .*\n", "", metadata.read_text(), flags=re.MULTILINE)
    lines = "".join(f"    {name}: {value:g}\n" for name, value in figures.items())
    told = re.sub(r"^(    timeout_ms: .*\n)", rf"\g<1>{lines}", text, count=1, flags=re.MULTILINE)
    metadata.write_text(told)


def tell(models: Iterable[Model]) -> None:
    """Put the figures of all metadata into the table of the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    lines = [
        BEGIN,
        "",
        "| model | cold start, with its first call | one warm call | one more warm container |",
    ]
    lines += ["|---|---|---|---|", *map(costs, models), "", END]
    PAGE.write_text(before + "\n".join(lines) + rest.partition(END)[2], encoding="utf-8")


def costs(model: Model) -> str:
    told = model.metadata.get("resources", {}).get("inference", {})
    cold, warm, more = (told.get(key, "–") for key in KEYS)
    return f"| `{model.name}` | {cold} ms | {warm} ms | {more} MB |"
