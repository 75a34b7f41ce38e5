"""All that its description allows, and more, asked of every model of the catalog in its real environment.

EXAMPLES in the environment asks for more of each: `EXAMPLES=1000 pytest tests/catalog/test_schemathesis.py`.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

ROOT = Path(__file__).parent.parent.parent
MODELS = [path.parent.name for path in sorted((ROOT / "catalog").glob("*/model.py"))]


def no_500_without_a_cause(context: Any, response: Any, case: Any) -> None:
    """What a model refuses, a picture that is none, it says."""
    if response.status_code >= 500:
        error = response.json()["error"]
        assert error["phase"] == "predict", error
        assert "ValueError" in error["cause"], error


CHECKS = (
    no_500_without_a_cause,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
BOUNDED = settings(
    max_examples=int(os.environ.get("EXAMPLES", "5")),
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("name", MODELS)
def test_what_a_model_describes_is_what_it_answers(served: Callable[[str], Any], name: str) -> None:
    host = served(name).address.partition("/v2/")[0]
    described = schemathesis.openapi.from_url(f"{host}/openapi.json", timeout=240)
    asked = []
    for found in described.get_all_operations():
        operation = found.ok()
        if not operation.path.endswith("/predict/"):
            continue  # the others are the same for all, and a training would run
        for mode in GenerationMode:

            @BOUNDED
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: Any) -> None:
                asked.append(case.path)
                case.validate_response(case.call(timeout=240), checks=CHECKS)

            ask()
    assert asked
