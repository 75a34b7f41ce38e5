"""How the services log: lines for people, or one JSON object a line for programs.

What an activation or a request is about is in members of its own: `activation`, `transaction`, `namespace`,
`action`, `training`, `site`.
"""

import functools
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
LEVELS = ("debug", "info", "warning", "error")
MEMBERS = (
    *("activation", "transaction", "namespace", "action", "status", "duration", "method", "path"),
    *("training", "site"),
)


class JsonLines(logging.Formatter):
    """One object a line: `time` in UTC, `level`, `logger`, `message`, then what the line is about."""

    def format(self, record: logging.LogRecord) -> str:
        shown: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        shown |= {member: vars(record)[member] for member in MEMBERS if member in vars(record)}
        if record.exc_info:
            shown["error"] = self.formatException(record.exc_info)
        return json.dumps(shown, ensure_ascii=False, default=str)


def log_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a service that logs; it logs as they say when COMMAND begins."""

    @click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        envvar="DEEPWHISK_LOG_FORMAT",
        show_envvar=True,
        help="Lines for people, or one JSON object a line.",
    )
    @click.option(
        "--log-level",
        type=click.Choice(LEVELS),
        default="info",
        show_default=True,
        envvar="DEEPWHISK_LOG_LEVEL",
        show_envvar=True,
        help="With debug, every activation is a line.",
    )
    @functools.wraps(command)
    def logging_command(log_format: str, log_level: str, **options: Any) -> None:
        configure(log_format, log_level)
        command(**options)

    return logging_command


def configure(log_format: str, level: str) -> None:
    """Log to standard error; other libraries' lines only from a warning on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if log_format == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("deepwhisk").setLevel(level.upper())
