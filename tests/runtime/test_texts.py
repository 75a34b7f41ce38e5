"""References where no file is wanted: a text, a list or a number is what the object holds."""

from pathlib import Path
from typing import Any

import pytest

from deepwhisk_runtime import texts
from deepwhisk_runtime.errors import Fault, Invalid
from deepwhisk_runtime.service import Provision, Service, load
from runtime.web import Web

SOURCE = '''"""Says what it was given."""
from typing import Any

class Model:
    def predict(self, text: str = "", lines: list[str] = [], number: float | None = None,
                anything: Any = None, options: dict = {}, file: bytes = b"") -> Any:
        return [text, lines, number, anything, options, file.decode()]
'''


@pytest.fixture
def service(tmp_path: Path) -> Any:
    (tmp_path / "model.py").write_text(SOURCE)
    return load(tmp_path, "teller", Provision())


def ask(service: Service, **given: Any) -> Any:
    return service.predict(given, lambda result: result)


@pytest.fixture
def reference(web: Web) -> Any:
    def made(content: bytes, key: str = "in/x.txt") -> dict[str, Any]:
        return {"$object": {"bucket": "b", "key": key, "url": web.page(f"/{key}", content)}}

    return made


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("text", "Grüß Gott\n", "Grüß Gott\n"),
        ("text", '["as it is"]', '["as it is"]'),
        ("lines", "one\ntwo\r\nthree", ["one", "two", "three"]),
        ("lines", ' ["one", "two"] ', ["one", "two"]),
        ("number", " 2.5\n", 2.5),
        ("file", "a file", "a file"),
    ],
)
def test_an_object_is_what_the_parameter_takes(
    service: Service, reference: Any, name: str, content: str, expected: Any
) -> None:
    place = ["text", "lines", "number", "anything", "options", "file"].index(name)
    assert ask(service, **{name: reference(content.encode())})[place] == expected


def test_what_takes_any_object_is_given_the_reference(service: Service, reference: Any) -> None:
    given = reference(b"{}")
    assert ask(service, anything=given, options=given)[3:5] == [given, given]


def test_a_marked_text_and_an_empty_one_are_texts(service: Service, reference: Any) -> None:
    assert ask(service, text=reference(b"\xef\xbb\xbfmarked"))[0] == "marked"
    assert ask(service, text=reference(b""), lines=reference(b"", "empty"))[:2] == ["", [""]]


def test_an_object_that_is_no_text_is_refused_with_its_argument(service: Service, reference: Any) -> None:
    with pytest.raises(Invalid) as caught:
        ask(service, text=reference(b"\xff\xfe"), number=reference(b"1", "one"))
    assert list(caught.value.fields) == ["text"]
    assert "no text in UTF-8" in caught.value.fields["text"][0]


def test_an_object_that_is_too_large_is_refused(
    service: Service, reference: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "LARGEST", 3)
    with pytest.raises(Invalid, match="more than 3 bytes"):
        ask(service, text=reference(b"four"))


def test_an_object_that_cannot_be_fetched_now_may_be_there_later(service: Service, web: Web) -> None:
    web.page("/away", b"", status=503)
    with pytest.raises(Fault) as caught:
        ask(service, text={"$object": {"key": "x", "url": f"{web.url}/away"}})
    assert caught.value.transient
