"""A corpus of bad requests for a model's REST API, made from a seed: the same number is the same request.

Each says which statuses may answer it. 500 is among them only where the model itself fails, and `None`, an
end without an answer, only where the client breaks off.
"""

import base64
import json
import random
from collections.abc import Callable
from dataclasses import dataclass

PATH = "/v2/models/odd/predict/"
FORM = "multipart/form-data; boundary=b"
# fmt: off
WRONG = [None, True, 0, -1, 1.5, 1e308, 10**40, "", "x", "ä\u0000\ud800", [], [[]], {}, {"a": None},
         "9" * 5000, {"$bytes": 1}, {"$bytes": "@"}, {"$object": {}},
         {"$object": {"url": "file:///etc/passwd"}}, "http://["]
NAMES = ["../../etc/passwd", "..\\..\\x", "/etc/passwd", "a\0b", "", ".", "..", "ä" * 300, "x" * 5000,
         "%2e%2e%2f", '"', "a\r\nX: y", "con.txt", "~root", "$(id)", "-rf", " ", "日本.PNG", "a/b/c", "./x",
         "\u202egnp.exe"]
TYPES = ["text/plain", "image/png", "multipart/form-data", "multipart/mixed; boundary=x",
         "application/xml", "x", "", "application/json; charset=utf-16", "application/json;;", "\xff",
         "APPLICATION/JSON", "a" * 3000]
BROKEN = ['{"a": 1', "{'a': 1}", "[1,]", "nul", '"', '{"a": 1}}', "\xff\xfe", "[" * 100_000,
          '{"a":' * 20_000, "NaN", '{"number": 1e999}', '{"number": -Infinity}', '{"text": "\\ud800"}',
          '{"a": 1, "a": 2}', "1" * 5000]
FAULTS = ["raise", "unpicklable", "exit", "deep", "memory", "none", "nan", "object", "schema", "missing",
          "status"]
PATHS = ["/", "//", "/v2", "/v2/models/../../etc/passwd", "/%2e%2e/%2e%2e/", "/v2/models/%00/", PATH[:-1],
         PATH + "x", "/api/../x", "/api/%2e%2e/rest.py", "/v2/models/odd/train/../../", "/" + "x" * 5000,
         "/?" + "a=&" * 999, "/v2/models/odd/train/" + "f" * 32, "/api/swagger-ui.css", "/swagger.json",
         "/openapi.json", "/metrics"]
METHODS = ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "BREW", "get",
           "P\xf6ST"]
FIELDS = ["X: " + "y" * 5000, "X" * 3000 + ": y", "no colon", ": empty", "X : space", "X:\x01", "X: \xff",
          "Host: a, b", "Accept: " + "a/b," * 999, "Accept: ;;;q=", "Accept: image/*;q=x",
          "Cookie: " + "a=b;" * 999, "Content-Length: 5", "Content-Length: -1",
          "Content-Length: 9" + "9" * 30, "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, x",
          "Expect: 100-continue", "Upgrade: websocket", "Connection: upgrade, close"]
VALUES = ["%", "%zz", "%00", "1&number=2", "a" * 3000, "[1", "%ff%fe", "[]", ";", "+", "null"]
ARGUMENTS = ["text", "number", "share", "numbers", "box", "day", "kind", "file", "files", "other", "x[]",
             ""]
# fmt: on
CLIENT = frozenset({400, 404, 405, 411, 413, 414, 415, 417, 422, 431, 501})  # the caller's own fault
GOOD = frozenset({200})


@dataclass(frozen=True)
class Ask:
    """One request as it goes over the wire."""

    kind: str
    content: bytes
    statuses: frozenset[int | None]
    head: bool = False  # a HEAD has no body in its answer
    patience: float = 0.0  # seconds until the client breaks off what the server takes for unfinished


def ask(number: int) -> Ask:
    """The request of that number."""
    chance = random.Random(number)
    kind = large_upload if number % LARGE_EVERY == 0 else KINDS[number % len(KINDS)]
    return kind(chance)


def request(
    body: bytes, kind: str = "application/json", path: str = PATH, method: str = "POST", fields: str = ""
) -> bytes:
    line = f"{method} {path} HTTP/1.1\r\nHost: h\r\n"
    head = f"{line}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n{fields}\r\n"
    return head.encode("utf-8", "surrogatepass") + body


def text(value: object) -> bytes:
    return json.dumps(value).encode()


def wrong_type(chance: random.Random) -> Ask:
    """Arguments of any type, of any name."""
    names = chance.sample(
        ["text", "number", "share", "numbers", "box", "day", "kind", "file", "other", ""], 3
    )
    given = {name: chance.choice(WRONG) for name in names}
    return Ask("wrong types", request(text(given)), GOOD | CLIENT)


def broken_json(chance: random.Random) -> Ask:
    body = chance.choice(BROKEN).encode("latin-1", "replace")
    cut = text({"text": "x" * chance.randrange(50), "numbers": [1, 2]})[: chance.randrange(1, 30)]
    return Ask("broken JSON", request(chance.choice([body, cut])), GOOD | CLIENT)


def wrong_content_type(chance: random.Random) -> Ask:
    body = chance.choice([b"", b"{}", b"number=1", b"\0\xff" * 50, b'{"text": "x"}'])
    return Ask("content types", request(body, chance.choice(TYPES)), GOOD | CLIENT)


def part(name: str, content: bytes, filename: str | None) -> bytes:
    file = "" if filename is None else f'; filename="{filename}"'
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"


def upload(chance: random.Random) -> Ask:
    """Files of odd names, empty, or given where none is wanted."""
    name = chance.choice(["file", "files", "text", "number", "other"])
    content = chance.choice([b"", b"x", b"\0" * 1000, bytes(range(256))])
    parts = part(name, content, chance.choice(NAMES)) * chance.randrange(1, 4)
    return Ask("uploads", request(parts + b"--b--\r\n", FORM), GOOD | CLIENT)


def broken_multipart(chance: random.Random) -> Ask:
    whole = part("file", b"x" * 100, "a.png") + b"--b--\r\n"
    at = chance.randrange(len(whole))
    cut = [whole[:at], whole[at:], whole[:at] + b"\0" + whole[at:], whole.replace(b"\r", b""), b"--b" * 999]
    kind = chance.choice([FORM, FORM[:-1], "multipart/form-data"])
    return Ask("broken multipart", request(chance.choice(cut), kind), GOOD | CLIENT)


def large_upload(chance: random.Random) -> Ask:
    """Larger than a request may be, or nearly."""
    size = chance.choice([1_000_000, 1_900_000, 2_100_000, 3_000_000])
    body = part("file", b"y" * size, "large.bin") + b"--b--\r\n"
    refused = frozenset({413, None}) if size > 2_000_000 else GOOD
    return Ask("large uploads", request(body, FORM), refused)


def unicode_text(chance: random.Random) -> Ask:
    ranges = [(1, 0xD800), (0xE000, 0x110000)]
    word = "".join(chr(chance.randrange(*chance.choice(ranges))) for _ in range(20))
    body = json.dumps({"text": word, word: word}, ensure_ascii=chance.random() < 0.5)
    return Ask("unicode", request(body.encode()), GOOD)


def odd_fields(chance: random.Random) -> Ask:
    fields = "".join(f"{each}\r\n" for each in chance.sample(FIELDS, chance.randrange(1, 4)))
    return Ask("headers", request(b'{"text": "x"}', fields=fields), GOOD | CLIENT | {None}, patience=0.2)


def odd_path(chance: random.Random) -> Ask:
    paths = frozenset({200, 204, 302, 308})
    method = chance.choice(["GET", "POST"])
    return Ask("paths", request(b"", path=chance.choice(PATHS), method=method), paths | CLIENT)


def odd_method(chance: random.Random) -> Ask:
    method = chance.choice(METHODS)
    path = chance.choice([PATH, "/", "/health", "/v2/models/odd/train/"])
    return Ask("methods", request(b"", path=path, method=method), GOOD | CLIENT, method == "HEAD")


def odd_query(chance: random.Random) -> Ask:
    query = "&".join(f"{chance.choice(ARGUMENTS)}={chance.choice(VALUES)}" for _ in range(3))
    return Ask("queries", request(b"", path=f"{PATH}?{query}"), GOOD | CLIENT)


def truncated(chance: random.Random) -> Ask:
    """The client breaks off somewhere."""
    file = part("file", b"x" * 20_000, "a")
    whole = chance.choice([request(text({"text": "x" * 5000})), request(file, FORM)])
    return Ask("truncated", whole[: chance.randrange(1, len(whole) - 1)], frozenset({None}) | CLIENT)


def twice(chance: random.Random) -> Ask:
    """Two on one connection, the second one bad."""
    return Ask("pipelined", request(text({"text": "x"})) + request(chance.choice([b"{", b"[]"])), GOOD)


def base64_file(chance: random.Random) -> Ask:
    said = base64.b64encode(chance.randbytes(chance.randrange(60))).decode()
    named = {"$bytes": said, "filename": chance.choice(NAMES)}
    odd = [said, said[:-1], "data:image/png;base64," + said, "data:," + said, said + "é", named]
    return Ask("base64", request(text({"file": chance.choice(odd)})), GOOD | CLIENT)


def fault(chance: random.Random) -> Ask:
    """The model fails, in every way."""
    return Ask("faults", request(text({"text": chance.choice(FAULTS)})), frozenset({409, 500}))


KINDS: list[Callable[[random.Random], Ask]] = [
    wrong_type, broken_json, wrong_content_type, upload, broken_multipart, unicode_text, odd_fields, odd_path,
    odd_method, odd_query, truncated, twice, base64_file, fault,
]  # fmt: skip
LARGE_EVERY = 50
