"""Loggers under the name that DEEPaaS gives them."""

import logging

getLogger = logging.getLogger  # noqa: N816 — its name there
