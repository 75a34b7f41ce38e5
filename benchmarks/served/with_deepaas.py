"""The model as a module of DEEPaaS."""

from typing import Any

import iris
from webargs import fields

NAMES = ("sepal_length", "sepal_width", "petal_length", "petal_width")


def get_metadata() -> dict[str, Any]:
    return {"name": "iris"}


def get_predict_args() -> dict[str, Any]:
    return {name: fields.Float(required=True) for name in NAMES}


def predict(**given: float) -> dict[str, Any]:
    return iris.predict(*(given[name] for name in NAMES))
