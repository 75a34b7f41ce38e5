"""Names an iris."""

from typing import Annotated, Any

from iris import predict
from pydantic import Field

Centimeters = Annotated[float, Field(ge=0, le=20)]


class Model:
    def predict(
        self,
        sepal_length: Centimeters,
        sepal_width: Centimeters,
        petal_length: Centimeters,
        petal_width: Centimeters,
    ) -> dict[str, Any]:
        return predict(sepal_length, sepal_width, petal_length, petal_width)
