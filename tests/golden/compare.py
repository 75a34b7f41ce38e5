"""What of two answers must be equal: status, headers that clients read, bodies but for ids and times."""

import base64
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

HEADERS = {
    "access-control-allow-headers", "access-control-allow-methods", "access-control-allow-origin",
    "access-control-expose-headers", "allow", "cache-control", "content-disposition", "content-encoding",
    "content-type", "etag", "location", "set-cookie", "www-authenticate", "x-bool", "x-custom", "x-e2e",
    "x-num", "x-openwhisk-activation-id", "x-request-id", "x-two",
}  # fmt: skip
OF_THE_TRANSPORT = {
    "accept", "accept-encoding", "connection", "content-length", "host", "remote-address", "timeout-access",
    "user-agent", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-real-ip",
    "x-request-id",
}  # fmt: skip
OF_THE_MOMENT = {
    "activationId", "cause", "start", "end", "updated", "duration", "date", "size", "__OW_API_HOST",
    "__OW_API_KEY", "__OW_DEADLINE", "__OW_TRANSACTION_ID",
}  # fmt: skip
DEFAULT_KIND = {"python:3.11": "python:3"}  # what `python:default` stood for on the recorded server
LARGE = 60_000
ID = re.compile(r"\b[0-9a-f]{32}\b")
TIME = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z\s+(?:(?:stdout|stderr): ?)?")
ABSENT = "nothing"


@dataclass(frozen=True)
class Answer:
    """One that was recorded, or has just come."""

    status: int
    headers: Collection[tuple[str, str]]
    content: Any  # parsed if it is an object or an array, else text; None for none


def read_content(body: bytes) -> Any:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if isinstance(value, dict | list):
        return {"$large": len(body)} if len(json.dumps(value)) > LARGE else value
    try:
        return body.decode()
    except UnicodeDecodeError:
        return base64.b64encode(body).decode()


def comparable(answer: Answer, loose: Collection[str] = ()) -> dict[str, Any]:
    """The parts of an answer that must be equal, by name; LOOSE says which are left out or read freely."""
    parts: dict[str, Any] = {"status": answer.status, **_headers(answer.headers, loose)}
    if "body" in loose:
        return parts
    content = answer.content
    if not isinstance(content, dict) or not content:
        parts["body"] = _list(content, loose) if isinstance(content, list) else _text(content)
        return parts
    members = {f"/{key}": value for key, value in _object(content, loose).items()}
    for path in (path for path in loose if path.startswith("/")):
        first, _, second = path[1:].partition("/")
        members.get(f"/{first}", {}).pop(second, None) if second else members.pop(path, None)
    return {**parts, **members}


def _text(content: Any) -> Any:
    return ID.sub("<id>", content) if isinstance(content, str) else content


def _headers(headers: Iterable[tuple[str, str]], loose: Collection[str]) -> dict[str, list[str]]:
    parts: dict[str, list[str]] = {}
    for name, value in sorted((name.lower(), value) for name, value in headers):
        if name in HEADERS:
            parts.setdefault(f"header {name}", []).append(_header(name, value, loose))
    return parts


def _header(name: str, value: str, loose: Collection[str]) -> str:
    if name == "x-openwhisk-activation-id":
        return "<id>"
    if name == "x-request-id" and "-x-request-id" not in loose:
        return "<transaction>"
    if name == "content-type":
        return re.sub(r";\s*", "; ", value).lower()
    return value


def _list(values: list[Any], loose: Collection[str]) -> list[Any]:
    if "own" in loose:
        values = [value for value in values if _is_own(value)]
    return [_value(value, loose) for value in values]


def _is_own(entity: Any) -> bool:
    """One that the recording made; the rest was there before."""
    if not isinstance(entity, dict):
        return False
    name = f"{entity.get('namespace', '')}/{entity.get('name', '')}"
    return any(f"/{prefix}" in name for prefix in ("gt_", "e2e-", "wd-"))


def _value(value: Any, loose: Collection[str]) -> Any:
    if isinstance(value, dict):
        return _object(value, loose)
    if isinstance(value, list):
        return [_value(each, loose) for each in value]
    return (
        DEFAULT_KIND.get(value, value) if value in DEFAULT_KIND and "default-kind" in loose else _text(value)
    )


def _object(value: Mapping[str, Any], loose: Collection[str]) -> dict[str, Any]:
    if value.get("key") == "waitTime":
        return {"key": "waitTime"}
    return {key: _member(key, member, value, loose) for key, member in value.items()}


def _member(key: str, value: Any, around: Mapping[str, Any], loose: Collection[str]) -> Any:
    if key in OF_THE_MOMENT and not isinstance(value, dict | list):
        return f"<{key}>"
    if key == "code" and "error" in around and "-/code" not in loose:
        return "<transaction>"
    if key == "error" and isinstance(value, str):
        return _error(value, loose)
    if key == "__ow_headers" and isinstance(value, dict):
        return {
            name: text for name, text in value.items() if name not in OF_THE_TRANSPORT | {"authorization"}
        }
    if key == "logs" and isinstance(value, list):
        return "<logs>" if "logs" in loose else _logs(value, loose)
    if key in ("annotations", "parameters", "actions", "feeds") and isinstance(value, list):
        return _unordered(value, loose)
    return _value(value, loose)


def _error(text: str, loose: Collection[str]) -> str:
    if "result-tail" in loose:
        return text.split(":")[0][:60]
    if "error-tail" in loose:
        return text.split("\n")[0]
    if "kinds" in loose:
        return text.split("Valid values are")[0]
    return _text(text)


def _unordered(values: list[Any], loose: Collection[str]) -> list[Any]:
    """Whether a start was cold is of the moment too."""
    kept = [value for value in values if not isinstance(value, dict) or value.get("key") != "initTime"]
    return sorted((_value(value, loose) for value in kept), key=lambda each: json.dumps(each, sort_keys=True))


def _logs(lines: list[Any], loose: Collection[str]) -> list[Any]:
    """Two streams have no common order; a fire's lines are objects, those of a sequence ids."""
    read = [_line(line) for line in lines]
    printed = any(isinstance(line, str) and TIME.match(line) for line in lines)
    return sorted(read, key=json.dumps) if printed or "log-order" in loose else read


def _line(line: Any) -> Any:
    if isinstance(line, str) and line.startswith("{"):
        return _value(json.loads(line), ())
    return _text(TIME.sub("", line)) if isinstance(line, str) else line


def differences(recorded: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[str]:
    """The names of parts that differ, each with what was recorded and what came."""
    for name in sorted(recorded.keys() | here.keys()):
        one, other = recorded.get(name, ABSENT), here.get(name, ABSENT)
        if one != other:
            yield f"{name}: recorded {_short(one)}, here {_short(other)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 300 else f"{text[:300]}…"
