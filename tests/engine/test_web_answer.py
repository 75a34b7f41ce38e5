"""Results of web actions as HTTP answers, one table an extension."""

from typing import Any

import pytest

from deepwhisk.engine.problems import Problem
from deepwhisk.engine.web_answer import render

MISMATCH = "Response type in header did not match generated content type."
HTML = "text/html; charset=UTF-8"
TEXT = "text/plain; charset=UTF-8"
JSON = "application/json"


def body(result: Any, extension: str = "http") -> tuple[int, str | None, Any]:
    answer = render(extension, result)
    return answer.status, answer.headers.get("Content-Type"), answer.body


def refused(extension: str, result: Any) -> tuple[int, str]:
    with pytest.raises(Problem) as caught:
        render(extension, result)
    return caught.value.status, caught.value.message


@pytest.mark.parametrize(
    ("extension", "result", "expected"),
    [
        ("json", {"a": [1, None]}, (200, JSON, b'{\n  "a": [\n    1,\n    null\n  ]\n}')),
        ("json", {"body": "x", "statusCode": 500}, (200, JSON, b'{\n  "body": "x",\n  "statusCode": 500\n}')),
        ("json", [], (200, JSON, b"[]")),
        ("html", {"body": "b", "html": "h"}, (200, HTML, b"b")),
        ("html", {"html": "<b>ä"}, (200, HTML, "<b>ä".encode())),
        ("svg", {"svg": "<svg/>", "statusCode": 500}, (200, "image/svg+xml", b"<svg/>")),
        ("text", {"body": "b", "text": "t"}, (200, TEXT, b"b")),
        ("text", {"text": {"a": 1}}, (200, TEXT, b'{\n  "a": 1\n}')),
        ("text", {"body": None}, (200, TEXT, b"null")),
        ("text", {"text": 42}, (200, TEXT, b"42")),
        ("html", "an error", (200, HTML, b"an error")),
        ("svg", "<svg/>", (200, "image/svg+xml", b"<svg/>")),
        ("text", "an error", (200, TEXT, b"an error")),
        ("text", [1], (200, TEXT, b"[\n  1\n]")),
    ],
)
def test_an_extension_names_the_member_and_the_type(extension: str, result: Any, expected: Any) -> None:
    assert body(result, extension) == expected


@pytest.mark.parametrize(
    ("extension", "result", "expected"),
    [
        ("json", "text", (400, "Response is not valid 'application/json'.")),
        ("json", 7, (400, "Response is not valid 'application/json'.")),
        ("html", {"body": {"x": 1}}, (400, "Response is not valid 'text/html'.")),
        ("html", {}, (400, "Response is not valid 'text/html'.")),
        ("svg", {"svg": 1}, (400, "Response is not valid 'image/svg+xml'.")),
        ("text", {}, (404, "Response does not include requested property.")),
        ("html", 7, (400, "Response is not valid 'text/html'.")),
        ("http", "bad", (400, "Response is not valid 'message/http'.")),
    ],
)
def test_what_does_not_fit_the_extension_is_refused(extension: str, result: Any, expected: Any) -> None:
    assert refused(extension, result) == expected


@pytest.mark.parametrize(
    ("result", "status", "content_type", "expected"),
    [
        ({}, 204, None, None),
        ({"body": ""}, 204, None, None),
        ({"body": None}, 204, None, None),
        ({"statusCode": 404}, 404, None, None),
        ({"statusCode": 204, "body": "x"}, 204, None, None),
        ({"headers": {"content-type": "text/plain"}}, 204, None, None),
        ({"body": "x"}, 200, HTML, b"x"),
        ({"statusCode": "202", "body": "x"}, 202, HTML, b"x"),
        ({"statusCode": 299.0, "body": "x"}, 299, HTML, b"x"),
        ({"body": {"a": 1}}, 200, JSON, b'{\n  "a": 1\n}'),
        ({"body": [1]}, 200, JSON, b"[\n  1\n]"),
        ({"body": True}, 200, JSON, b"true"),
        ({"body": 0}, 200, JSON, b"0"),
        ({"headers": {"Content-Type": "text/css"}, "body": "p{}"}, 200, "text/css; charset=UTF-8", b"p{}"),
        (
            {"headers": {"content-type": "text/plain; charset=iso-8859-1"}, "body": "ä"},
            200,
            TEXT,
            "ä".encode(),
        ),
        ({"headers": {"content-type": JSON}, "body": '{"a":1}'}, 200, JSON, b'{"a":1}'),
        ({"headers": {"content-type": JSON}, "body": "eyJhIjoxfQ=="}, 200, JSON, b'{"a":1}'),
        ({"headers": {"content-type": "application/x+json"}, "body": {}}, 200, "application/x+json", b"{}"),
        ({"headers": {"content-type": "image/png"}, "body": "iVBORw=="}, 200, "image/png", b"\x89PNG"),
        ({"headers": {"content-type": "image/svg+xml"}, "body": "PHN2Zy8+"}, 200, "image/svg+xml", b"<svg/>"),
        ({"headers": {"content-type": "foo/bar"}, "body": "YWJj"}, 200, "foo/bar", b"abc"),
    ],
)
def test_http_takes_status_type_and_body(
    result: Any, status: int, content_type: str | None, expected: Any
) -> None:
    assert body(result) == (status, content_type, expected)


@pytest.mark.parametrize("code", ["abc", 200.5, 99, 100, 600, None, [], True])
def test_a_status_is_a_whole_number_that_ends_a_request(code: Any) -> None:
    assert refused("http", {"statusCode": code, "body": "x"}) == (
        400,
        "Response is not valid 'message/http'.",
    )


@pytest.mark.parametrize(
    "headers", [{"x": {"a": 1}}, {"x": None}, ["a"], None, "x", {"bad name": "v"}, {"": "v"}]
)
def test_headers_that_cannot_be_are_refused(headers: Any) -> None:
    assert refused("http", {"headers": headers, "body": "x"}) == (
        400,
        "Response is not valid 'message/http'.",
    )


@pytest.mark.parametrize(
    ("content_type", "value", "says"),
    [
        ("text/plain", {"a": 1}, MISMATCH),
        ("image/png", "not base64!", MISMATCH),
        ("image/svg+xml", "<svg/>", MISMATCH),
        ("nonsense", "x", "Response did not specify a known content-type."),
    ],
)
def test_a_body_must_fit_its_type(content_type: str, value: Any, says: str) -> None:
    assert refused("http", {"headers": {"content-type": content_type}, "body": value}) == (400, says)


def test_header_values_may_be_plain_or_lists() -> None:
    headers = {"Set-Cookie": ["a=1", "b=2"], "X-Num": 5, "X-Bool": True, "X-Deep": [[1]], "X-Float": 1.5}
    answer = render("http", {"headers": headers, "body": "h"})

    assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]
    assert [answer.headers[name] for name in ("X-Num", "X-Bool", "X-Deep", "X-Float")] == [
        "5",
        "true",
        "1",
        "1.5",
    ]


def test_headers_that_would_break_the_answer_are_left_out() -> None:
    headers = {
        "X-Evil": "a\r\nX-More: 1",
        "Content-Length": "3",
        "Transfer-Encoding": "chunked",
        "X-Good": "g",
    }
    answer = render("http", {"headers": headers, "body": "hello"})

    assert set(answer.headers) == {"X-Good", "Content-Type"}
