"""The model on BentoML: `bentoml serve with_bentoml:Iris`."""

from typing import Annotated, Any

import bentoml
from iris import predict
from pydantic import Field

Centimeters = Annotated[float, Field(ge=0, le=20)]


@bentoml.service(workers=1)
class Iris:
    @bentoml.api
    def predict(
        self,
        sepal_length: Centimeters,
        sepal_width: Centimeters,
        petal_length: Centimeters,
        petal_width: Centimeters,
    ) -> dict[str, Any]:
        return predict(sepal_length, sepal_width, petal_length, petal_width)
