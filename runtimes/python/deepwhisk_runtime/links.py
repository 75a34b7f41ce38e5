"""Files behind a link: http and https only, no larger and no slower than a limit."""

import http.client
import re
import time
import urllib.error
import urllib.request
from pathlib import PurePosixPath
from typing import IO
from urllib.parse import unquote, urlsplit

LARGEST = 512 * 1024 * 1024
SECONDS = 60
CHUNK = 256 * 1024


class Unreachable(Exception):
    """Raised when what a link points to cannot be had; says why and, if it expired, what to do.

    `transient` says that the same call may succeed later, with a new link if need be.
    """

    def __init__(self, message: str, *, transient: bool) -> None:
        super().__init__(message)
        self.transient = transient


def is_link(text: str) -> bool:
    """Whether a text is a link that can be followed."""
    return text[:8].lower().startswith(("http://", "https://"))


def download(url: str, target: IO[bytes]) -> tuple[str, str]:
    """Write what a link points to; gives its file name and content type."""
    until = time.monotonic() + SECONDS
    try:
        with _opener().open(url, timeout=10) as answer:
            _copy(answer, target, until)
            return _name(answer.url), answer.headers.get_content_type()
    except urllib.error.HTTPError as error:
        raise _refused(error) from error
    except urllib.error.URLError as error:
        raise Unreachable(
            f"{without_query(url)} cannot be reached: {error.reason}", transient=True
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(
            f"{without_query(url)} cannot be read: {error}", transient=not isinstance(error, ValueError)
        ) from error


def _opener() -> urllib.request.OpenerDirector:
    # By hand, since the usual one also opens file: and ftp:, to which a page may redirect.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _copy(answer: http.client.HTTPResponse, target: IO[bytes], until: float) -> None:
    size = 0
    while chunk := answer.read1(CHUNK):
        size += len(chunk)
        if size > LARGEST:
            what = f"what {without_query(answer.url)} gives is larger than {LARGEST} bytes"
            raise Unreachable(what, transient=False)
        if time.monotonic() > until:
            raise Unreachable(f"{without_query(answer.url)} takes longer than {SECONDS} s", transient=True)
        target.write(chunk)
    expected = answer.headers.get("Content-Length")
    if expected is not None and size != int(expected):
        what = f"{without_query(answer.url)} broke off after {size} of {expected} bytes"
        raise Unreachable(what, transient=True)


def _refused(error: urllib.error.HTTPError) -> Unreachable:
    with error:
        text = error.read(2000).decode("utf-8", "replace")
    address = without_query(error.url)
    if error.code in (400, 403) and re.search("expired", text, re.IGNORECASE):
        expired = f"the link to {address} has expired; make a new one (the action objects/fetch does)"
        return Unreachable(expired, transient=True)
    if error.code == 404:
        return Unreachable(f"there is nothing at {address} (404)", transient=False)
    transient = error.code >= 500 or error.code in (408, 429)
    return Unreachable(f"{address} answers {error.code} {error.reason}", transient=transient)


def _name(url: str) -> str:
    return unquote(PurePosixPath(urlsplit(url).path).name)


def without_query(url: str) -> str:
    """A link as a message may show it: what signs it stays out."""
    return url.partition("?")[0][:300]
