"""`deepwhisk status`: the parts of the running `up`, what they make and what they wait for."""

import sys
from typing import Any

import click

from deepwhisk.cli.common import err, out, print_json
from deepwhisk.cli.options import json_option, state_option
from deepwhisk.cli.parts import batch_token
from deepwhisk.cli.progress import environments
from deepwhisk.cli.running import Running, ask
from deepwhisk.settings import State

NOTHING: dict[str, Any] = {
    **{"pid": None, "ready": False, "parts": []},
    **{"subscriptions": [], "environments": [], "trainings": {}},
}


@click.command()
@json_option
@state_option
def status(as_json: bool, state: State) -> None:
    """Show how all parts are, and what they wait for.

    Exit code 1 when nothing runs or a part is down.
    """
    running = Running.read(state)
    found = look(running, state) if running is not None else NOTHING
    if as_json:
        print_json(found)
    elif running is not None:
        _show(found)
    else:
        err.print(f"Nothing runs in {state.folder}. Start it with `deepwhisk up`.")
    if running is None or any(part["state"] != "up" for part in found["parts"]):
        sys.exit(1)


def look(running: Running, state: State) -> dict[str, Any]:
    """What every part says of itself."""
    feed = _json(f"{running.feed}/status")
    batch = _json(f"{running.batch}/status", Authorization=f"Bearer {batch_token(state)}")
    parts = [
        _part("store", running.store, running.store),
        _part("engine", running.apihost, f"{running.apihost}/ping"),
        _part("feed", running.feed, f"{running.feed}/health"),
        _part("batch", running.batch, f"{running.batch}/health"),
    ]
    up = parts[1]["state"] == "up"
    return {
        "pid": running.pid,
        "ready": running.ready,
        "parts": parts,
        "subscriptions": (feed or {}).get("subscriptions", []),
        "environments": environments(running.apihost) if up else [],
        "trainings": (batch or {}).get("trainings", {}),
    }


def _part(name: str, address: str, probe: str) -> dict[str, str]:
    return {"name": name, "state": "up" if ask(probe) is not None else "down", "address": address}


def _json(url: str, **headers: str) -> dict[str, Any] | None:
    response = ask(url, headers=headers)
    return dict(response.json()) if response is not None and response.ok else None


def _fired_by(one: dict[str, Any]) -> str:
    if "bucket" in one:
        return f"on bucket {one['bucket']}"
    return f"at {one['times']}" + (f", next {one['next']}" if one["next"] else "")


def _show(found: dict[str, Any]) -> None:
    for part in found["parts"]:
        color = "green" if part["state"] == "up" else "red"
        out.print(f"[{color}]{part['state']:5}[/] {part['name']:7} {part['address']}")
    for one in found["subscriptions"]:
        out.print(f"\n[bold]{one['name']}[/] {_fired_by(one)}: {one['state']}")
        counts = ", ".join(f"{number} {name}" for name, number in one["counts"].items() if number)
        out.print(f"      {counts or 'nothing yet'}")
        for said in filter(None, (one["reason"], one["lastError"])):
            out.print(f"      {said}", style="yellow", markup=False)
    if found["trainings"]:
        said = ", ".join(f"{count} {phase}" for phase, count in sorted(found["trainings"].items()))
        out.print(f"\n[bold]trainings[/]: {said}")
    for one in found["environments"]:
        color = {"ready": "green", "failed": "red"}.get(str(one["state"]), "yellow")
        out.print(f"[{color}]{one['state']:7}[/] environment of {', '.join(one['packages']) or 'the base'}")
        if one["state"] != "ready":
            out.print(f"      {one['error'] or one['phase']}", markup=False)
