"""Links are followed within limits."""

import io

import pytest

from deepwhisk_runtime import links
from deepwhisk_runtime.links import Unreachable, download, is_link
from runtime.web import Web


def test_a_file_is_downloaded_with_its_name_and_type(web: Web) -> None:
    target = io.BytesIO()
    url = web.page("/a/b%20c.png", b"12345", Content_Type="image/png; charset=x")
    assert download(url + "?signed=1", target) == ("b c.png", "image/png")
    assert target.getvalue() == b"12345"


def test_a_redirect_is_followed(web: Web) -> None:
    web.page("/there.txt", b"12345")
    url = web.page("/here", b"", status=302, Location="/there.txt")
    assert download(url, io.BytesIO())[0] == "there.txt"


def test_what_is_too_large_is_refused(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "LARGEST", 4)
    with pytest.raises(Unreachable, match="is larger than 4 bytes"):
        download(web.page("/x", b"12345"), io.BytesIO())


def test_what_takes_too_long_is_refused(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "SECONDS", 0)
    with pytest.raises(Unreachable, match="takes longer than 0 s"):
        download(web.page("/x", b"12345"), io.BytesIO())


@pytest.mark.parametrize("url", ["http://", "http://[", "http://127.0.0.1:99999/", "http://127.0.0.1:9/x"])
def test_a_link_that_is_none_is_said(url: str) -> None:
    with pytest.raises(Unreachable, match="cannot be"):
        download(url, io.BytesIO())


@pytest.mark.parametrize(("status", "transient"), [(404, False), (410, False), (429, True), (503, True)])
def test_a_refusal_says_whether_it_may_be_over_later(web: Web, status: int, transient: bool) -> None:
    with pytest.raises(Unreachable) as caught:
        download(web.page("/x", b"", status=status), io.BytesIO())

    assert caught.value.transient is transient


def test_a_server_that_is_away_may_be_back_later() -> None:
    with pytest.raises(Unreachable) as caught:
        download("http://127.0.0.1:9/x", io.BytesIO())

    assert caught.value.transient


def test_only_http_and_https_are_links() -> None:
    assert is_link("HTTP://host/")
    assert is_link("https://host/")
    assert not any(map(is_link, ("ftp://host/", "file:///etc/passwd", "httpx://", "aGVsbG8=", "")))
