"""A small web server: what links point to, and an apihost with `objects/link` and a store behind it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, dict[str, str], bytes]


class Web:
    """Answers by path; keeps what it was sent."""

    def __init__(self) -> None:
        self.pages: dict[str, Callable[[], Answer]] = {}
        self.sent: list[tuple[str, str, dict[str, str], bytes]] = []
        self.url = ""
        self.refuses = 0  # status with which objects/link answers, if it refuses

    def page(self, path: str, body: bytes, status: int = 200, **headers: str) -> str:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = lambda: (status, {"Content-Length": str(len(body))} | told, body)
        return self.url + path

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        self.sent.append((method, path, headers, body))
        plain = path.partition("?")[0]
        if plain.endswith("/actions/objects/link"):
            return self._link(json.loads(body))
        if method == "PUT":
            return 200, {"Content-Length": "0"}, b""
        return self.pages[plain]()

    def _link(self, asked: dict[str, object]) -> Answer:
        place = {"bucket": "deepwhisk-transfer", "key": "k", "etag": None, "url": f"{self.url}/get/k?signed"}
        reference = {"$object": place | {"size": asked["size"], "contentType": asked["contentType"]}}
        put = {"url": f"{self.url}/put/k?signed", "headers": {"Content-Type": asked["contentType"]}}
        text = json.dumps({"put": put, "reference": reference}).encode()
        return self.refuses or 200, {"Content-Length": str(len(text))}, text

    @property
    def puts(self) -> list[bytes]:
        return [body for method, _, _, body in self.sent if method == "PUT"]


@contextmanager
def serving() -> Iterator[Web]:
    """A web server on a free port."""
    web = Web()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, told, body = web.answer(self.command, self.path, headers, self.rfile.read(length))
            self.send_response(status)
            for name, value in told.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, *about: object) -> None:
            """Quiet: pytest shows what fails."""

    for method in ("GET", "POST", "PUT"):
        setattr(Handler, f"do_{method}", Handler.answer)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        web.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()
