"""What an engine says of itself to anybody: its limits and runtimes, versions, health."""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from deepwhisk.engine.kinds import Kinds
from deepwhisk.engine.limits import MB, Limits

BUILD = "2026-11-22T00:00:00Z"  # clients want a date that begins with 20


def about_host(limits: Limits, kinds: Kinds) -> dict[str, Any]:
    """`GET /`: durations in ms, memory and logs in bytes."""
    bounds = {
        "min_action_duration": limits.min_timeout,
        "max_action_duration": limits.max_timeout,
        "min_action_memory": limits.min_memory * MB,
        "max_action_memory": limits.max_memory * MB,
        "min_action_logs": limits.min_logs * MB,
        "max_action_logs": limits.max_logs * MB,
    }
    rates = {
        "actions_per_minute": limits.invocations_per_minute,
        "triggers_per_minute": limits.fires_per_minute,
        "concurrent_actions": limits.concurrent_invocations,
        "sequence_length": limits.sequence_length,
    }
    defaults = {f"default_{key}": bound for key, bound in bounds.items()}
    return {
        "description": "deepwhisk, an OpenWhisk for one machine",
        "support": {"github": "https://github.com/apache/openwhisk/issues"},
        "api_paths": ["/api/v1"],
        "limits": {**rates, **defaults, **bounds},
        "runtimes": kinds.runtimes(),
    }


def about_api() -> dict[str, Any]:
    """`GET /api/v1`."""
    return {
        "description": "OpenWhisk API",
        "api_version": "1.0.0",
        "api_version_path": "v1",
        "build": BUILD,
        "buildno": f"deepwhisk {_version()}",
        "swagger_paths": {"ui": "/docs", "api-docs": "/api-docs"},
    }


def _version() -> str:
    try:
        return version("deepwhisk")
    except PackageNotFoundError:
        return "unknown"
