"""The model on FastAPI and uvicorn, by hand. The route is a coroutine: one thread, its fastest."""

import sys
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI
from iris import predict
from pydantic import BaseModel, Field

Centimeters = Annotated[float, Field(ge=0, le=20)]
app = FastAPI()


class Iris(BaseModel):
    sepal_length: Centimeters
    sepal_width: Centimeters
    petal_length: Centimeters
    petal_width: Centimeters


@app.post("/predict")
async def answer(iris: Iris) -> dict[str, Any]:
    return predict(iris.sepal_length, iris.sepal_width, iris.petal_length, iris.petal_width)


uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False)
