"""The tiny model that every server of this folder serves: names an iris, in three microseconds."""

from math import exp

LABELS = ("setosa", "versicolor", "virginica")
WEIGHTS = ((0.42, 0.97, -2.52, -1.08), (0.53, -0.32, -0.2, -0.94), (-0.95, -0.65, 2.72, 2.02))
BIAS = (9.85, 2.24, -12.09)


def predict(*inputs: float) -> dict[str, object]:
    """Its labels and their probabilities."""
    scores = [
        exp(bias + sum(weight * each for weight, each in zip(weights, inputs, strict=True)))
        for weights, bias in zip(WEIGHTS, BIAS, strict=True)
    ]
    total = sum(scores)
    return {"labels": LABELS, "probabilities": [score / total for score in scores]}
