"""Trainings and other long runs: asked for, listed, followed, ended, promoted, rolled back.

Law: a request is an object of the store before anybody else hears of it, so that none is lost while the batch
service is away; all else is asked of that service. One event of a store is one training, however often told.
"""

import json
import re
from typing import Any

from asking import asked, model_of, service_of, uuid_of
from keeping import BUCKET, client_of, kept, link, once
from refusing import Refused, sentences
from requested import request_of, waiting

LARGE = 256 * 1024  # bytes of a result that goes as a link
LARGEST = 900_000  # bytes of an answer: OpenWhisk passes on no more than a megabyte
ARTIFACT = re.compile(r"([^/]+)/([0-9a-f]{32})/attempts/[0-9]+/artifact\.zip")
Json = dict[str, Any]


@sentences
def submit(args: Json) -> Json:
    """Ask for a training: by a person, a program, a trigger, or the event of an object that arrived.

    `model` and `arguments`; what is neither these nor one of `data`, `resources`, `site`, `promote`, `sweep`
    is an argument as well. An argument that is a reference, or a list of such, is a file.
    """
    service_of(args)  # without one nobody would ever take it
    request = request_of(args)
    client, place = client_of(args), f"{request['model']}/{request['uuid']}"
    files = request["files"].items()
    request["files"] = {name: kept(client, f"{place}/files/{name}", each) for name, each in files}
    once(client, f"{place}/request.json", json.dumps(request, ensure_ascii=False).encode())
    try:
        return asked(args, "POST", f"/trainings/{place}")
    except Refused as refused:
        if not refused.later:
            raise
        return waiting(request, refused)


@sentences
def list(args: Json) -> Json:  # noqa: A001 — the name of the action
    """List trainings, the newest first: all, or of a `model`, `state` or `sweep`; `limit` and `skip` page."""
    return asked(args, "GET", "/trainings", "model", "state", "sweep", "prefix", "kind", "limit", "skip")


@sentences
def show(args: Json) -> Json:
    """Tell all of one training: request, plan, history, result, environment."""
    found = asked(args, "GET", f"/trainings/{uuid_of(args)}")
    if len(json.dumps(found)) > LARGEST and isinstance(found.get("result"), dict):
        found["result"] = {
            **found["result"],
            "output": None,
            "left_out": "output; training/result links to it",
        }
    return found


@sentences
def metrics(args: Json) -> Json:
    """Give the metrics of a training `from` a line on; `wait` for seconds until there is one."""
    return asked(args, "GET", f"/trainings/{uuid_of(args)}", "wait", metrics=args.get("from") or 0)


@sentences
def log(args: Json) -> Json:
    """Give the log of a training from an `offset` in bytes on; `wait` for seconds until there is more."""
    return asked(args, "GET", f"/trainings/{uuid_of(args)}", "wait", log=args.get("offset") or 0)


@sentences
def cancel(args: Json) -> Json:
    """End a training; it keeps what it has."""
    return asked(args, "POST", f"/trainings/{uuid_of(args)}/cancel")


@sentences
def rerun(args: Json) -> Json:
    """Ask for the same training again."""
    return asked(args, "POST", f"/trainings/{uuid_of(args)}/rerun")


@sentences
def delete(args: Json) -> Json:
    """Remove a training that has ended and does not serve."""
    return asked(args, "DELETE", f"/trainings/{uuid_of(args)}")


@sentences
def promote(args: Json) -> Json:
    """Let a training serve if its rule says so: when its artifact arrives, or by `uuid`; `force` for any."""
    event = args.get("event")
    found = ARTIFACT.fullmatch(str(event.get("key"))) if isinstance(event, dict) else None
    if isinstance(event, dict) and (found is None or event.get("bucket") != BUCKET):
        raise Refused(f"{event.get('bucket')}/{event.get('key')} is no artifact of a training")
    chosen = found[2] if found else uuid_of(args)
    body = {"force": args.get("force") is True, "hand": found is None}
    return asked(args, "POST", f"/trainings/{chosen}/promote", body=body)


@sentences
def rollback(args: Json) -> Json:
    """Let an earlier `version` of a `model` serve: the one before, if none is named; 0 is the original."""
    return asked(args, "POST", f"/models/{model_of(args)}/rollback", body={"version": args.get("version")})


@sentences
def versions(args: Json) -> Json:
    """List the promotions and rollbacks of a `model`, and which serves."""
    return asked(args, "GET", f"/models/{model_of(args)}/versions")


@sentences
def sites(args: Json) -> Json:
    """List where trainings can run, and what there is to be had."""
    return asked(args, "GET", "/sites")


@sentences
def artifact(args: Json) -> Json:
    """Sign a link to the artifact that a container was told to load; the batch service may be away."""
    found = ARTIFACT.fullmatch(str(args.get("key")))
    if found is None or found[1] != args.get("model"):
        raise Refused(f"{args.get('key')!r} is no artifact of {args.get('model')!r}")
    told = {name: args.get(name) for name in ("version", "training", "sha256")}
    return {"url": link(client_of(args), str(args["key"])), **told}


@sentences
def result(args: Json) -> Json:
    """Tell where a long prediction is, and its result; a large one is a `link`, signed anew at each call."""
    training = asked(args, "GET", f"/trainings/{uuid_of(args)}")
    told = {name: training.get(name) for name in ("uuid", "model", "kind", "date", "state", "arguments")}
    found = training.get("result")
    if not isinstance(found, dict) or training.get("state") != "done":
        return {**told, "message": (found or {}).get("message") or training.get("reason")}
    attempt = f"{training['model']}/{training['uuid']}/attempts/{training.get('attempt') or 1}"
    answer = found.get("answer") or {}
    if answer and (found.get("output") is None or len(json.dumps(found["output"])) > LARGE):
        kind = str(answer.get("contentType") or "application/json")
        return {**told, "answer": answer, "link": link(client_of(args), f"{attempt}/answer", kind)}
    return {**told, "output": found.get("output")}
