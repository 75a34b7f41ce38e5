"""The APIs of all namespaces, in memory and in the database: an API that was acknowledged is committed.

A namespace has one API for each base path.
"""

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


class Apis:
    """Reads what the database holds; used from one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._apis: dict[str, dict[str, Api]] = {}
        self._routes: dict[str, list[Route]] = {}
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

    def routes(self, namespace: str) -> list[Route]:
        """Those of a namespace, the most specific first: a word before a parameter, then the longer base."""
        if namespace not in self._apis:
            return []
        if namespace not in self._routes:
            found = [route for api in reversed(self.of(namespace)) for route in routes(api.document)]
            found.sort(key=lambda route: [segment is None for segment in route.segments])
            self._routes[namespace] = found
        return self._routes[namespace]

    def _remember(self, api: Api) -> None:
        self._apis.setdefault(api.namespace, {})[api.base] = api
        self._routes.pop(api.namespace, None)
