"""All that the description allows, and more, asked of the application: no 500, no answer it does not tell."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from deepwhisk_runtime.rest import create_app
from deepwhisk_runtime.service import Provision, load

SOURCE = '''"""Takes what it is given."""
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from pydantic import BaseModel, Field

class Box(BaseModel):
    width: int

class Answer(BaseModel):
    text: str
    area: int | None
    size: int | None

class Model:
    def predict(
        self,
        text: Annotated[str, Field(max_length=50)],
        count: Annotated[int, Field(ge=1, le=9)] = 3,
        share: float | None = None,
        numbers: list[int] = [],
        box: Box | None = None,
        day: date | None = None,
        sure: bool = False,
        kind: Literal["a", "b"] = "a",
        image: Path | None = None,
    ) -> Answer:
        return Answer(text=text, area=box and box.width, size=image and image.stat().st_size)
'''
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
)


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("content") / "taker"
    folder.mkdir()
    (folder / "model.py").write_text(SOURCE)
    app = create_app(load(folder, "taker", Provision()))
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


BOUNDED = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_what_is_described_is_what_is_answered(described: Any, mode: GenerationMode) -> None:
    asked = []
    for found in described.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and operation.method != "post":
            continue  # it takes nothing that could be wrong

        @BOUNDED
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            asked.append(case.path)
            case.validate_response(case.call(), checks=CHECKS)

        ask()
    assert len(asked) >= 40
