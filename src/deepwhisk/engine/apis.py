"""The APIs of all namespaces, in memory and in the database: an API that was acknowledged is committed.

A namespace has one API for each base path.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deepwhisk.engine.apidoc import Route, routes
from deepwhisk.engine.apipaths import Json
from deepwhisk.engine.codec import dumps, loads
from deepwhisk.engine.database import Database


@dataclass(frozen=True, slots=True)
class Api:
    """One API: its owner and its document."""

    namespace: str
    document: Json

    @property
    def base(self) -> str:
        return str(self.document["basePath"])

    @property
    def title(self) -> str:
        return str(self.document["info"].get("title", self.base))


class Routes:
    """The routes of a namespace, to be found by a path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._plain: dict[tuple[str | None, ...], list[Route]] = {}
        self._open: dict[int, list[Route]] = {}  # those with parameters, by their number of segments
        for route in sorted(routes, key=lambda route: [segment is None for segment in route.segments]):
            if None in route.segments:
                self._open.setdefault(len(route.segments), []).append(route)
            else:
                self._plain.setdefault(route.segments, []).append(route)

    def fitting(self, asked: Sequence[str]) -> list[Route]:
        """Those that the segments of a path fit, the most specific first: a word before a parameter."""
        opened = self._open.get(len(asked), ())
        return self._plain.get(tuple(asked), []) + [route for route in opened if _fits(route, asked)]


def _fits(route: Route, asked: Sequence[str]) -> bool:
    pairs = zip(route.segments, asked, strict=True)
    return all(there != "" if segment is None else segment == there for segment, there in pairs)


class Apis:
    """Reads what the database holds; used from one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._apis: dict[str, dict[str, Api]] = {}
        self._routes: dict[str, Routes] = {}
        for namespace, document in database.read("SELECT namespace, document FROM apis ORDER BY base"):
            self._remember(Api(namespace, loads(document)))

    def of(self, namespace: str) -> list[Api]:
        """Those of a namespace, in the order of their base paths."""
        apis = self._apis.get(namespace, {})
        return [apis[base] for base in sorted(apis)]

    def put(self, api: Api) -> None:
        """Stores API in place of what has its base path."""
        values = (api.namespace, api.base, dumps(api.document))
        self._database.write_now([("INSERT OR REPLACE INTO apis VALUES (?, ?, ?)", values)])
        self._remember(api)

    def delete(self, api: Api) -> None:
        values = (api.namespace, api.base)
        self._database.write_now([("DELETE FROM apis WHERE namespace = ? AND base = ?", values)])
        del self._apis[api.namespace][api.base]
        self._routes.pop(api.namespace, None)

    def routes(self, namespace: str) -> Routes:
        """Those of a namespace; of two that are the same, that of the longer base goes first."""
        known = self._routes.get(namespace)
        if known is None:
            own = reversed(self.of(namespace))
            known = Routes(route for api in own for route in routes(api.document))
            if namespace in self._apis:
                self._routes[namespace] = known
        return known

    def _remember(self, api: Api) -> None:
        self._apis.setdefault(api.namespace, {})[api.base] = api
        self._routes.pop(api.namespace, None)
