"""Run the measurements and write their table into docs/performance.md.

`make bench` runs all of them; `python -m benchmarks shim engine` only these, printed and not written.
"""

import importlib
import os
import pkgutil
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import benchmarks
from benchmarks import Row

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- figures: made by `make bench` -->", "<!-- end of figures -->"


def main(names: list[str]) -> None:
    """Measure, print, and keep the figures when all were measured."""
    known = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "__main__"]
    if unknown := set(names) - set(known):
        sys.exit(f"No such benchmark: {', '.join(sorted(unknown))}. There are: {', '.join(known)}.")
    rows = [row for name in names or known for row in measure(name)]
    print("\n".join(table(rows)))
    if not names:
        keep(rows)


def measure(name: str) -> list[Row]:
    """The rows of one module; says what it is at, since some take a minute."""
    module = importlib.import_module(f"benchmarks.{name}")
    if not hasattr(module, "measure"):
        return []
    print(f"measuring {name} …", file=sys.stderr, flush=True)
    return list(module.measure())


def table(rows: list[Row]) -> list[str]:
    """A Markdown table; a bar that is missed says so."""
    head = ["| measure | here | beside it, same run | ratio | bar | |", "|---|---|---|---|---|---|"]
    cells = [(r.measure, r.ours, r.beside, r.ratio, r.bar, "met" if r.met else "**missed**") for r in rows]
    return head + [f"| {' | '.join(row)} |" for row in cells]


def keep(rows: list[Row]) -> None:
    """Replace the figures in the page, with the day and the machine they are from."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    day, cores = datetime.now(UTC).date().isoformat(), os.cpu_count()
    where = f"Measured on {day} with Python {platform.python_version()} on {cores} cores."
    text = "\n".join([before + BEGIN, where, "", *table(rows), "", END])
    PAGE.write_text(text + after, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
