"""Endpoint functions to integrate the model with the DEEPaaS API."""

import json
import logging
import math
from pathlib import Path

import numpy as np

from . import config, schemas, training, utils

logger = logging.getLogger(__name__)
logger.setLevel(config.LOG_LEVEL)
WARMED = {}


def get_metadata():
    logger.info("Collecting metadata from: %s", config.API_NAME)
    return {
        "author": config.API_METADATA.get("authors"),
        "author-email": config.API_METADATA.get("author-emails"),
        "description": config.API_METADATA.get("summary"),
        "license": config.API_METADATA.get("license"),
        "version": config.API_METADATA.get("version"),
        "models": sorted(each.name for each in config.MODELS_PATH.iterdir()),
    }


def warm():
    logger.info("Warming up the model.api...")
    WARMED["harbor"] = json.loads((config.MODELS_PATH / "harbor" / "weights.json").read_text())


@utils.predict_arguments(schema=schemas.PredArgsSchema)
def predict(model_name, hours, accept="application/json", **options):
    weights = WARMED.get(Path(model_name).name) or json.loads((Path(model_name) / "weights.json").read_text())
    found = [weights["amplitude"] * math.cos(2 * math.pi * hour / weights["period"]) for hour in hours]
    if accept == "text/csv":
        return "hour,height\n" + "".join(f"{hour},{height:.2f}\n" for hour, height in zip(hours, found))
    return {"heights": np.round(found, 2), "highest": np.float64(max(found))}


@utils.train_arguments(schema=schemas.TrainArgsSchema)
def train(model_name, epochs, pause, **options):
    folder = config.MODELS_PATH / model_name
    history = training.fit(epochs, pause, [training.Printer(), training.Checkpoint(folder)])
    return {"history": history, "model": model_name}
