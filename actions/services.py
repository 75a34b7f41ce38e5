"""The list of deployed models and how each of them is: a web page, JSON or text.

Law: OpenWhisk's REST API alone says what is shown, so it is right on any OpenWhisk as soon as something is
deployed; every text is escaped, and no page needs a script. No action is told the extension of its address,
so one answer holds what each of them shows; the address that ends in `/` answers by the Accept header.
"""

import functools
import hashlib
import itertools
import json
import os
import re
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from html import escape
from operator import itemgetter
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.auth import HTTPBasicAuth
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

MODELS = "models"  # the package
PAGES = (20, 200)  # calls of a model that are looked at: the second page only while all have failed
WARM_SECONDS = 600  # how long OpenWhisk keeps a container that nobody calls
SECONDS = 20  # for one answer of OpenWhisk
SUCCESS, APPLICATION_ERROR = 0, 1  # of an activation
FORMS = ("application/json", "text/html", "text/plain")
STATES = ("warm", "cold", "failing", "unknown")
HOST = re.compile(r"[\w.-]+(:\d+)?|\[[0-9a-fA-F:]+\](:\d+)?", re.ASCII)
SAFE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
STYLE = """:root { color-scheme: light dark; --ink: #1b1f24; --quiet: #57606a; --edge: #d0d7de; --paper: #fff;
  --link: #0550ae; --warm: #116329; --cold: #0a4c86; --failing: #a40e26 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --quiet: #9da7b3; --edge: #3d444d;
  --paper: #0d1117; --link: #79b8ff; --warm: #56d364; --cold: #79c0ff; --failing: #ff9b95 } }
body { max-width: 72rem; margin: 0 auto; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere; background: var(--paper); color: var(--ink) }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem } h1, h2, dd, dl { margin: 0 } p, nav { margin: .5rem 0 }
a { color: var(--link) } header p, footer, dt { color: var(--quiet) } b { color: var(--state, inherit) }
ul { list-style: none; padding: 0; display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(24rem, 100%), 1fr)) }
li { border: 1px solid var(--edge); border-radius: .5rem; padding: 1rem } nav a { margin-right: 1rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem .75rem }"""
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<meta http-equiv="Content-Security-Policy" content="{safe}"><style>{style}</style></head>
<body><header><h1>{title}</h1><p>{summary}</p></header>
<main>{models}</main>
<footer><p>The same as <a href="{own}.json">JSON</a> and as <a href="{own}.text">text</a>.</p></footer>
</body></html>
"""
MODEL = """
<li><h2>{title}</h2><p>{description}</p>
<dl>{facts}</dl>
<nav aria-label="{title}"><a href="{ui}">Try it (API)</a><a href="{metadata}">Metadata</a></nav></li>"""


class _Refused(Exception):
    """Raised when the list cannot be made; its text is the answer."""


def main(args: dict[str, Any]) -> dict[str, Any]:
    """Lists the deployed models and how they are: HTML, JSON or text, by extension or Accept header."""
    method, path = args.get("__ow_method", ""), args.get("__ow_path", "")
    if method not in ("", "get", "head"):
        return _failed(405, "The list of models can only be read: use GET.", Allow="GET, HEAD")
    if path not in ("", "/"):
        return _failed(404, "There is nothing below the list of models.")
    headers = {name.lower(): value for name, value in (args.get("__ow_headers") or {}).items()}
    try:
        found = {"namespace": _own()[0], "services": _services(_site(headers))}
    except _Refused as refused:
        return _failed(502, str(refused))
    if not method:
        return found
    return _negotiated(found, headers) if path else _by_extension(found)


def _by_extension(found: dict[str, Any]) -> dict[str, Any]:
    """What `.json`, `.html` and `.text` each take their part of; `.http` goes on to the address with `/`."""
    onward = {"Location": f"{_own()[2]}/", "Cache-Control": "no-cache"}
    return {**found, "html": _html(found), "text": _text(found), "statusCode": 303, "headers": onward}


def _negotiated(found: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    """One form alone: the one that the client likes best, JSON if it does not care."""
    form = parse_accept_header(headers.get("accept") or "*/*", MIMEAccept).best_match(FORMS)
    if form is None:
        return _failed(406, f"The list of models can be had as {', '.join(FORMS)}.")
    body = found if form == FORMS[0] else (_html if form == FORMS[1] else _text)(found)
    tag = f'"{hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]}"'
    told = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept, Host", "Content-Security-Policy": SAFE}
    if tag in headers.get("if-none-match", ""):
        return {"statusCode": 304, "headers": told}
    return {"headers": {**told, "Content-Type": form, "X-Content-Type-Options": "nosniff"}, "body": body}


def _failed(status: int, message: str, **headers: str) -> dict[str, Any]:
    """An error of the application, which is a sentence by any extension."""
    told = {**headers, "Content-Type": "text/plain", "Cache-Control": "no-store"}
    return {"error": {"statusCode": status, "headers": told, "body": f"{escape(message)}\n"}}


def _html(found: dict[str, Any]) -> str:
    models = "".join(map(_card, found["services"]))
    title, own = f"Models of {found['namespace']}", quote(_own()[1])
    shown = {"title": title, "summary": _summary(found), "own": own, "safe": SAFE}
    escaped = {name: escape(text) for name, text in shown.items()}
    return PAGE.format(**escaped, style=STYLE, models=models and f'<ul role="list">{models}\n</ul>')


def _card(service: dict[str, Any]) -> str:
    """One model of the page; every value is escaped here."""
    links = {name: escape(urlsplit(address).path) for name, address in service["links"].items()}
    facts = "".join(f"\n<dt>{term}</dt><dd>{value}</dd>" for term, value in _facts(service))
    title, description = (escape(service[name] or "") for name in ("title", "description"))
    return MODEL.format(title=title, description=description, facts=facts, **links)


def _facts(service: dict[str, Any]) -> Iterator[tuple[str, str]]:
    since = f" since {_time(service['since'])}" if service["since"] else ""
    yield "State", f'<b style="--state: var(--{service["state"]})">{service["state"]}</b>{since}'
    yield "Name", escape(" ".join(filter(None, (service["name"], service["version"]))))
    yield "License", escape(service["license"] or "not said")
    yield "Last call", _time(service["lastCall"]) if service["lastCall"] else "none yet"
    yield "Deployed", _time(service["deployed"])
    yield "Predict", f"<code>POST {escape(service['links']['predict'])}</code>"


def _time(moment: str) -> str:
    return f'<time datetime="{moment}">{moment[:10]} {moment[11:16]} UTC</time>'


def _text(found: dict[str, Any]) -> str:
    said = [f"Models of {found['namespace']}: {_summary(found)}\n"]
    for one in found["services"]:
        lines = [f"{one['name']}: {one['state']}{' since ' + one['since'] if one['since'] else ''}"]
        lines += [one[member] for member in ("title", "description", "license") if one[member]]
        lines += [f"{name}: {link}" for name, link in one["links"].items()]
        said.append("\n  ".join(line.replace("\n", " ") for line in lines) + "\n")
    return "\n".join(said)


def _summary(found: dict[str, Any]) -> str:
    states = [service["state"] for service in found["services"]]
    counted = ", ".join(f"{states.count(state)} {state}" for state in STATES if state in states)
    return f"{len(states)} deployed, {counted}." if states else "none is deployed."


def _services(site: str) -> list[dict[str, Any]]:
    """Every deployed model by name, with its state."""
    key = os.environ.get("__OW_API_KEY", "")
    actions = sorted(_listed(key, f"actions/{MODELS}/", itertools.repeat(200)), key=itemgetter("name"))
    with ThreadPoolExecutor(max_workers=8) as together:
        return list(together.map(functools.partial(_service, site, key), actions))


def _service(site: str, key: str, action: dict[str, Any]) -> dict[str, Any]:
    notes = {each["key"]: each["value"] for each in action.get("annotations", [])}
    said = {name: str(notes.get(name) or "") or None for name in ("description", "license", "version")}
    name, web = str(action["name"]), f"{site}/api/v1/web/{quote(action['namespace'])}/{quote(action['name'])}"
    model = f"{web}/v2/models/{quote(name)}/"
    links = {"predict": f"{model}predict/", "ui": f"{web}/api", "metadata": model}
    known = {"name": name, "title": str(notes.get("title") or name), **said}
    return {**known, "deployed": _moment(action["updated"]), **_state(key, action), "links": links}


def _state(key: str, action: dict[str, Any]) -> dict[str, Any]:
    """Failing since the first failure after the last success; else whether a container waits for calls."""
    last = kept = failed = None
    try:
        for call in _listed(key, "activations", PAGES, name=f"{MODELS}/{action['name']}"):
            if call["version"] != action["version"]:
                break  # of what was deployed before
            last = last or call
            kept = kept or (call if call.get("statusCode") in (SUCCESS, APPLICATION_ERROR) else None)
            if answered := _answered(key, call):
                break
            failed = call if answered is False else failed
    except _Refused:
        return {"state": "unknown", "since": None, "lastCall": None}
    warm = kept is not None and time.time() - kept["end"] / 1000 < WARM_SECONDS
    told = {"state": "failing" if failed else "warm" if warm else "cold"}
    return {**told, "since": failed and _moment(failed["start"]), "lastCall": last and _moment(last["start"])}


def _listed(key: str, path: str, pages: Iterable[int], **query: Any) -> Iterator[dict[str, Any]]:
    skip = 0
    for limit in pages:
        page = _ask(key, path, limit=limit, skip=skip, **query)
        yield from page
        if len(page) < limit:
            return
        skip += limit


def _answered(key: str, call: dict[str, Any]) -> bool | None:
    """Whether the model did what it was asked; None when the caller was wrong, or nobody knows."""
    code = call.get("statusCode")
    if code != APPLICATION_ERROR:
        return None if code is None else bool(code == SUCCESS)
    return None if _wrongly_asked(key, str(call["activationId"])) else False


@functools.lru_cache(maxsize=4096)
def _wrongly_asked(key: str, activation: str) -> bool:
    """Whether an error is the caller's: a 4xx of the web, or arguments that do not fit."""
    result = (_ask(key, f"activations/{activation}/result") or {}).get("result")
    error = result.get("error") if isinstance(result, dict) else None
    status = error.get("statusCode", error.get("status")) if isinstance(error, dict) else None
    return isinstance(status, int) and 400 <= status < 500


def _ask(key: str, path: str, **query: Any) -> Any:
    """What OpenWhisk answers the owner of this action; an empty list for what is not there."""
    if not (host := os.environ.get("__OW_API_HOST")) or not key:
        raise _Refused("This action has no key; deploy it with the annotation provide-api-key: true.")
    base = (host if "://" in host else f"https://{host}").rstrip("/")
    address, auth = f"{base}/api/v1/namespaces/_/{quote(path)}", HTTPBasicAuth(*key.split(":", 1))
    try:
        answer = requests.get(address, query, auth=auth, timeout=SECONDS)
        if answer.status_code == 404:
            return []
        answer.raise_for_status()
        return answer.json()
    except requests.RequestException as error:
        raise _Refused(f"OpenWhisk did not say what there is at {path}.") from error


def _own() -> tuple[str, str, str]:
    """Namespace, address and name of this action, as it is deployed."""
    full = os.environ.get("__OW_ACTION_NAME", "").strip("/")
    return full.partition("/")[0], f"/api/v1/web/{full}", full.rpartition("/")[2]


def _site(headers: dict[str, str]) -> str:
    """Where the client reached us, which its links begin with."""
    host = headers.get("x-forwarded-host") or headers.get("host") or ""
    scheme = "https" if headers.get("x-forwarded-proto") == "https" else "http"
    return f"{scheme}://{host}" if HOST.fullmatch(host) else ""


def _moment(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
