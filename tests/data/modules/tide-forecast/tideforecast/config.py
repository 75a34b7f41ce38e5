"""Constants of the module."""

import logging
import os
from importlib import metadata
from pathlib import Path

API_NAME = "tide_forecast"
API_METADATA = metadata.metadata(API_NAME)  # .json

_EMAILS = API_METADATA["Author-email"].split(", ")
_EMAILS = map(lambda s: s[:-1].split(" <"), _EMAILS)
API_METADATA["Author-emails"] = dict(_EMAILS)
_AUTHORS = API_METADATA.get("Author", "").replace(", ", ",").split(",")
_AUTHORS = [] if _AUTHORS == [""] else _AUTHORS
_AUTHORS += API_METADATA["Author-emails"].keys()
API_METADATA["Authors"] = sorted(_AUTHORS)

BASE_DIR = Path(__file__).resolve().parents[1]
MODELS_PATH = Path(os.getenv("TIDES_MODELS_PATH", default=BASE_DIR / "models"))
LOG_LEVEL = getattr(logging, os.getenv("API_LOG_LEVEL", default="INFO").upper())
