"""Bytes from and to a store, by signed links: streamed, gone on with where they broke off, verified.

Law: one try is one function, which raises Away or Shut; who wants patience has it in `patience.py`.
"""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from deepwhisk_runtime.batch.errors import Away, Failed, Shut
from deepwhisk_runtime.links import without_query

SECONDS = 30  # without a byte
CHUNK = 1 << 20
CREDENTIALS = (400, 401, 403)  # how stores refuse a link that has expired


def read(url: str) -> bytes | None:
    """What a link points to, when it is small; None when there is nothing."""
    try:
        with asked(urllib.request.Request(url)) as answer:
            return bytes(answer.read())
    except FileNotFoundError:
        return None
    except (OSError, http.client.HTTPException) as error:
        raise Away(f"{without_query(url)} broke off: {error}") from error


def write(url: str, body: bytes | Path) -> None:
    """Put an object where a link says."""
    if isinstance(body, bytes):
        _put(url, body, len(body))
        return
    with body.open("rb") as file:
        _put(url, file, os.fstat(file.fileno()).st_size)  # of this one, though another may take its place


def _put(url: str, body: Any, size: int) -> None:
    headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
    request = urllib.request.Request(url, body, headers, method="PUT")
    try:
        with asked(request) as answer:
            answer.read()
    except FileNotFoundError as error:
        raise Away(f"there is no bucket at {without_query(url)}") from error
    except (OSError, http.client.HTTPException) as error:
        raise Away(f"{without_query(url)} broke off: {error}") from error


def load(url: str, target: Path) -> str:
    """Write what a link points to into a file, from where that ends; gives its ETag. A 404 is Failed."""
    there = target.stat().st_size if target.exists() else 0
    headers = {"Range": f"bytes={there}-"} if there else {}
    try:
        with asked(urllib.request.Request(url, headers=headers)) as answer:
            if answer.status != 206:
                there = 0
            _copy(answer, target, there, url)
            return str(answer.headers.get("ETag") or "").strip('"')
    except FileNotFoundError as error:
        raise Failed("download", f"There is nothing at {without_query(url)}.") from error
    except EOFError as error:
        target.unlink()
        raise Away(f"{without_query(url)} has become another object") from error
    except (OSError, http.client.HTTPException) as error:
        raise Away(f"{without_query(url)} broke off: {error}") from error


def _copy(answer: Any, target: Path, there: int, url: str) -> None:
    length = answer.headers.get("Content-Length")
    with target.open("r+b" if there else "wb") as file:
        file.seek(there)
        got = 0
        while chunk := answer.read1(CHUNK):
            file.write(chunk)
            got += len(chunk)
    if length is not None and got != int(length):
        raise Away(f"{without_query(url)} broke off after {there + got} bytes")


def asked(request: urllib.request.Request) -> Any:
    """The answer to a request; FileNotFoundError for 404, EOFError for a range past the end."""
    url = request.full_url
    try:
        return urllib.request.urlopen(request, timeout=SECONDS)
    except urllib.error.HTTPError as error:
        with error:
            raise refused(error, url) from None
    except urllib.error.URLError as error:
        raise Away(f"{without_query(url)} cannot be reached: {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise Away(f"{without_query(url)} cannot be reached: {error}") from None


def refused(error: urllib.error.HTTPError, url: str) -> Exception:
    """What a status means."""
    where = without_query(url)
    if error.code == 404:
        return FileNotFoundError(where)
    if error.code == 416:
        return EOFError(where)
    if error.code in CREDENTIALS:
        return Shut(f"{where} does not take the link ({error.code} {error.reason})")
    return Away(f"{where} answers {error.code} {error.reason}")


def digest(path: Path, kind: str = "sha256") -> str:
    """The digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()
