"""The routes of an API gateway, by the three calls that `wsk api` makes.

The calls are web actions of `whisk.system/apimgmt`, which every OpenWhisk with a gateway has. Law: a route is
a project's when the annotation `deepwhisk-apis` of its action says so; routes of others are left alone.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from deepwhisk.deploy.managed import values
from deepwhisk.errors import WhiskError
from deepwhisk.manifest import Api
from deepwhisk.whisk import NOT_FOUND, PAGE, Whisk

OWN_ROUTES = "deepwhisk-apis"
NO_TOKEN = "DUMMY TOKEN"  # what wskdeploy sends where wskprops has no APIGW_ACCESS_TOKEN
EXTENSIONS = ("http", "json", "html", "svg", "text")
SECURED = "require-whisk-auth"
PARAMETER = re.compile(r"\{([^{}/]+)\}")

Key = tuple[str, str, str]  # base, path, method


@dataclass(frozen=True, slots=True)
class Gateway:
    """The gateway of a namespace, as the holder of a client's key sees it."""

    whisk: Whisk
    token: str = NO_TOKEN
    tenant: str = ""  # APIGW_TENANT_ID; else the first half of the key

    def routes(self, bases: Iterable[str] = ()) -> tuple[Api, ...]:
        """The routes below these base paths, or all. Raises WhiskError where there is no gateway."""
        asked = [self._documents(basepath=base) for base in sorted(set(bases))] or [list(self._pages())]
        return tuple(route for documents in asked for one in documents for route in read_routes(one))

    def create(self, api: Api, namespace: str, secret: Any = None) -> None:
        """Make a route, or lead it elsewhere."""
        doc = _document(api, namespace, self.whisk, secret)
        self._call("POST", "createApi", {"apidoc": doc}, responsetype=api.response)

    def load(self, swagger: str, namespace: str) -> None:
        """Make the API that a swagger document describes, in place of the one with its base path."""
        self._call("POST", "createApi", {"apidoc": {"namespace": namespace, "swagger": swagger}})

    def delete(self, api: Api) -> None:
        """Take a route away, and its API with the last one. One that is gone already is no error."""
        try:
            self._call(
                "DELETE", "deleteApi", None, basepath=api.base, relpath=api.path, operation=api.method.upper()
            )
        except WhiskError as error:
            if not _says_gone(error):
                raise

    def _pages(self) -> Iterator[dict[str, Any]]:
        """The documents of all APIs."""
        skip = 0
        while found := self._documents(limit=str(PAGE), skip=str(skip)):
            yield from found
            if len(found) < PAGE:
                return
            skip += PAGE

    def _documents(self, **query: str) -> list[dict[str, Any]]:
        try:
            answer = self._call("GET", "getApi", None, **query)
        except WhiskError as error:
            if _says_gone(error):
                return []
            raise
        return [found["value"].get("apidoc", {}) for found in answer.get("apis", ())]

    def _call(self, method: str, call: str, body: Any, **query: str) -> Any:
        space = self.tenant or self.whisk.auth.partition(":")[0]
        path = f"whisk.system/apimgmt/{call}.http"
        try:
            return self.whisk.web(method, path, body, accesstoken=self.token, spaceguid=space, **query)
        except WhiskError as error:
            if error.status != NOT_FOUND:
                raise
            message = (
                f"{self.whisk.apihost} has no API gateway, which the routes of this project need: {error}"
            )
            raise WhiskError(message, error.status, error.code, error.body) from error


def key_of(api: Api) -> Key:
    return api.base, api.path, api.method.lower()


def annotation(apis: Iterable[Api], action: str) -> dict[str, Any]:
    """What an action remembers of the routes that a project made to it."""
    own = [" ".join((api.method.lower(), api.base, api.path)) for api in apis if api.action == action]
    return {OWN_ROUTES: sorted(own)} if own else {}


def own_routes(action: str, item: Mapping[str, Any]) -> Iterator[Api]:
    """The routes that the annotation of an action names."""
    found = values(item.get("annotations")).get(OWN_ROUTES)
    for said in found if isinstance(found, list) else ():
        parts = str(said).split(" ", 2)
        if len(parts) == len(("method", "base", "path")):
            yield Api("", parts[1], parts[2], parts[0], action)


def read_routes(document: Mapping[str, Any]) -> Iterator[Api]:
    """The routes that a swagger document has to actions, as gateways describe them."""
    title, base = str(document.get("info", {}).get("title", "")), str(document.get("basePath", ""))
    for path, item in document.get("paths", {}).items():
        for method, said in item.items():
            backend = said.get("x-openwhisk") if isinstance(said, dict) else None
            if isinstance(backend, dict) and backend.get("action"):
                package = backend.get("package") or "default"
                name = str(backend["action"])
                action = name if package == "default" else f"{package}/{name}"
                namespace = str(backend.get("namespace", "_"))
                own = action if namespace == "_" else f"/{namespace}/{action}"
                yield Api(title, base, path, method, own, _response(str(backend.get("url", "")), name))


def in_namespace(action: str, namespace: str) -> str:
    """The name of an action of this namespace without it; others keep theirs."""
    return action.removeprefix(f"/{namespace}/")


def _response(url: str, name: str) -> str:
    """`http` of `…/name.http`; a name may have points of its own."""
    last = unquote(url).rpartition("/")[2].partition("$(")[0]
    extension = last.removeprefix(name).lstrip(".")
    return extension if extension in EXTENSIONS else "json"


def _document(api: Api, namespace: str, whisk: Whisk, secret: Any) -> dict[str, Any]:
    package, _, name = api.action.rpartition("/")
    method = api.method.upper()
    backend = {
        "name": api.action,
        "namespace": namespace,
        "backendMethod": method,
        "backendUrl": f"{whisk.apihost}/api/v1/web/{namespace}/{package or 'default'}/{name}.{api.response}",
        "authkey": whisk.auth,
        **({"secureKey": secret} if secret is not None else {}),
    }
    named = [_parameter(name) for name in dict.fromkeys(PARAMETER.findall(api.path))]
    return {
        "namespace": namespace,
        "gatewayBasePath": api.base,
        "gatewayPath": api.path,
        "gatewayMethod": method,
        "id": f"API:{namespace}:{api.base}",
        "apiName": api.title or api.base,
        "action": backend,
        **({"pathParameters": named} if named else {}),
    }


def _parameter(name: str) -> dict[str, Any]:
    said = f"Default description for '{name}'"
    return {"name": name, "in": "path", "description": said, "required": True, "type": "string"}


def _says_gone(error: WhiskError) -> bool:
    return error.status != NOT_FOUND and "does not exist" in str(error)
