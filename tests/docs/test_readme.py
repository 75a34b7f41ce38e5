"""The README's model is a whole model, its links lead somewhere, and its commands are there."""

import json
import re
from pathlib import Path

import pytest

from fixtures.machine import ROOT, run

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_model_of_the_readme_answers(tmp_path: Path) -> None:
    model = tmp_path / "catalog" / "language"
    model.mkdir(parents=True)
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code is not None
    (model / "model.py").write_text(code[1])
    (model / "requirements.txt").write_text(
        (ROOT / "catalog" / "language-identification" / "requirements.txt").read_text()
    )

    done = run("predict", "language", "-i", "text=Wie spät ist es?", "--local", "--json", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert next(iter(json.loads(done.stdout))) == "de"


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_links_between_pages_lead_somewhere(page: str) -> None:
    here = ROOT / page
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", here.read_text(encoding="utf-8"))

    assert [link for link in links if not (here.parent / link).exists()] == []


def test_every_make_target_of_the_readme_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    for target in set(re.findall(r"make ([a-z]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
