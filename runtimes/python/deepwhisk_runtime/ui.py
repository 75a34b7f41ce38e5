"""Swagger UI: a page to read about the model and to try it, from an installed package and never from a CDN.

The page names all else by relative paths, so that it works wherever it is reached. Its script is larger than
a message of OpenWhisk may be, and goes out compressed: the package is read, never imported.
"""

import functools
import gzip
import importlib.util
import json
from html import escape
from pathlib import Path
from typing import Any

from flask import Request, Response, abort

PACKAGE = "flask_swagger_ui"
# A type that OpenWhisk takes for binary: the body of one that it takes for text could not be compressed.
FILES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "application/x-javascript",
    "favicon-32x32.png": "image/png",
}
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="api/swagger-ui.css">
<link rel="icon" type="image/png" href="api/favicon-32x32.png">
</head>
<body>
<noscript>This page needs scripts. The same is written in <a href="openapi.json">openapi.json</a>.</noscript>
<div id="ui"></div>
<script src="api/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({options})</script>
</body>
</html>
"""
OPTIONS = {
    "url": "openapi.json",
    "dom_id": "#ui",
    "deepLinking": True,
    "tryItOutEnabled": True,
    "validatorUrl": None,  # it would send the description to a server of others
}


def page(name: str) -> str:
    """The page of one model."""
    return PAGE.format(title=escape(name), options=json.dumps(OPTIONS))


def file(name: str, request: Request) -> Response:
    """A file that the page asks for."""
    folder = folder_of(PACKAGE)
    if name not in FILES or folder is None:
        abort(404)
    headers = {"Cache-Control": "public, max-age=86400"}
    content = (folder / name).read_bytes()
    if name.endswith(".js"):
        headers |= {"Vary": "Accept-Encoding"}
        if request.accept_encodings["gzip"] > 0:
            content = compressed(folder / name)
            headers |= {"Content-Encoding": "gzip"}
    return Response(content, headers=headers, content_type=FILES[name])


@functools.cache
def folder_of(package: str) -> Path | None:
    """Where the files of Swagger UI lie; None when the package is not installed."""
    spec: Any = importlib.util.find_spec(package)
    return Path(spec.submodule_search_locations[0]) / "dist" if spec else None


@functools.cache
def compressed(path: Path) -> bytes:
    """A file, compressed."""
    return gzip.compress(path.read_bytes(), compresslevel=9, mtime=0)
