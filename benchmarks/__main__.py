"""Run the measurements and write their tables into docs/performance.md.

`make bench` runs all of them. `python -m benchmarks shim engine` prints only these; with `--keep` it also
puts their tables in place of the ones that the page has. Each table is one run and says of which day.
"""

import importlib
import os
import pkgutil
import platform
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import benchmarks
from benchmarks import Row

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- figures: made by `make bench` -->", "<!-- end of figures -->"


def main(words: list[str]) -> None:
    """Measure and print; all figures are kept, or those that `--keep` asks for."""
    keeping, names = "--keep" in words, [word for word in words if word != "--keep"]
    if unknown := set(names) - set(known()):
        sys.exit(f"No such benchmark: {', '.join(sorted(unknown))}. There are: {', '.join(known())}.")
    for name in names or known():
        if rows := measure(name):
            text = table(rows)
            print(text, flush=True)
            if keeping or not names:
                keep(name, text)


def known() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "__main__"]


def measure(name: str) -> list[Row]:
    """The rows of one module; says what it is at, since some take a minute."""
    module = importlib.import_module(f"benchmarks.{name}")
    if not hasattr(module, "measure"):
        return []
    print(f"measuring {name} …", file=sys.stderr, flush=True)
    return list(module.measure())


def table(rows: list[Row]) -> str:
    """A Markdown table under the day and the machine it is from; a bar that is missed says so."""
    day, cores = datetime.now(UTC).date().isoformat(), os.cpu_count()
    where = f"Measured on {day} with Python {platform.python_version()} on {cores} cores."
    head = ["| measure | here | beside it, same run | ratio | bar | |", "|---|---|---|---|---|---|"]
    cells = [(r.measure, r.ours, r.beside, r.ratio, r.bar, "met" if r.met else "**missed**") for r in rows]
    return "\n".join([where, "", *head, *(f"| {' | '.join(row)} |" for row in cells)])


def keep(name: str, text: str) -> None:
    """Put the table of one module into the page, in place of the last."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    figures, _, after = rest.partition(END)
    tables = dict(re.findall(r"^### (\w+)\n+(.*?)\n*(?=^### |\Z)", figures, re.MULTILINE | re.DOTALL))
    tables[name] = text
    whole = "".join(f"\n### {each}\n\n{tables[each]}\n" for each in known() if each in tables)
    PAGE.write_text(f"{before}{BEGIN}\n{whole}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
