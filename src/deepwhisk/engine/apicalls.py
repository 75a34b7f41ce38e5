"""Creating, showing and deleting APIs: what the three calls of `whisk.system/apimgmt` do.

Whoever asks works on the APIs of his own namespace, whatever he says of namespaces and addresses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from deepwhisk.engine.apidoc import (
    VERBS,
    imported,
    narrowed,
    new_document,
    operations,
    shown,
    with_operation,
    without,
)
from deepwhisk.engine.apipaths import Json, Unfit, check_base
from deepwhisk.engine.apis import Api, Apis
from deepwhisk.engine.backends import Backend, checked_name
from deepwhisk.engine.codec import loads_foreign
from deepwhisk.engine.gateway import ROOT, may_have_apis
from deepwhisk.engine.lists import DEFAULT, MOST
from deepwhisk.engine.problems import Problem
from deepwhisk.engine.web_answer import EXTENSIONS

MOST_OPERATIONS = 2000
_REQUIRED = ("gatewayBasePath", "gatewayPath", "gatewayMethod", "action")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client wants of the APIs of his namespace."""

    apis: Apis
    namespace: str
    host: str  # how he reaches this engine
    members: Mapping[str, Any]

    def text(self, member: str) -> str | None:
        value = self.members.get(member)
        if value in (None, ""):
            return None
        if not isinstance(value, str):
            raise Unfit(f"'{member}' must be a string.")
        return value

    def found(self, base_or_title: str) -> list[Api]:
        """The API with that base path, or those with that title."""
        own = self.apis.of(self.namespace)
        if base_or_title.startswith("/"):
            base = check_base(base_or_title)
            return [api for api in own if api.base == base]
        return [api for api in own if api.title == base_or_title]

    def one(self, base_or_title: str) -> Api:
        found = self.found(base_or_title)
        if not found:
            raise Unfit(f"API '{base_or_title}' does not exist.")
        if len(found) > 1:
            bases = ", ".join(api.base for api in found)
            raise Unfit(
                f"{len(found)} APIs have the name '{base_or_title}': say which by its path, of {bases}."
            )
        return found[0]

    def value(self, api: Api, document: Json | None = None) -> Json:
        """API as clients want it described."""
        namespace = api.namespace
        return {
            "namespace": namespace,
            "gwApiActivated": True,
            "tenantId": namespace,
            "gwApiUrl": self.host + quote(ROOT + namespace + unquote(api.base).rstrip("/")),
            "apidoc": shown(document or api.document, self.host),
        }


def create(asked: Asked) -> Json:
    namespace = asked.namespace
    if not may_have_apis(namespace):
        raise Unfit(f"The namespace '{namespace}' can have no API: {ROOT}{namespace} is the platform's own.")
    doc = _object(asked.members.get("apidoc"), "apidoc")
    document = _import(doc, namespace) if doc.get("swagger") else _add(asked, doc)
    api = Api(namespace, document)
    _check_room(asked, api)
    asked.apis.put(api)
    return asked.value(api)


def _check_room(asked: Asked, new: Api) -> None:
    kept = [api for api in asked.apis.of(asked.namespace) if api.base != new.base]
    _check_number(*(api.document for api in (*kept, new)))


def _check_number(*documents: Json) -> None:
    number = sum(1 for document in documents for _ in operations(document))
    if number > MOST_OPERATIONS:
        raise Unfit(f"{number} operations are more than the {MOST_OPERATIONS} a namespace may have.")


def _import(doc: Json, namespace: str) -> Json:
    """The document that is to be the whole API."""
    if doc.get("gatewayBasePath"):
        raise Unfit("swagger and gatewayBasePath are mutually exclusive and cannot be specified together.")
    swagger = _object(doc["swagger"], "swagger")
    for member, kind in (("basePath", str), ("paths", dict), ("info", dict)):
        if swagger.get(member) is None:
            raise Unfit(f"swagger is missing the {member} field.")
        if not isinstance(swagger[member], kind):
            raise Unfit(f"'{member}' of swagger must be {'a string' if kind is str else 'an object'}.")
    _check_number(swagger)
    return imported(swagger, namespace)


def _add(asked: Asked, doc: Json) -> Json:
    """The document of an API with one more operation, or with one that is new."""
    for member in _REQUIRED:
        if not doc.get(member):
            raise Unfit(f"apidoc is missing the {member} field")
    base, title = str(doc["gatewayBasePath"]), doc.get("apiName")
    found = [asked.one(base)] if not base.startswith("/") else asked.found(base)
    document = found[0].document if found else new_document(check_base(base), str(title or check_base(base)))
    declared = doc.get("pathParameters") or []
    if not isinstance(declared, list):
        raise Unfit("'pathParameters' must be an array.")
    return with_operation(
        document, doc["gatewayPath"], _verb(doc["gatewayMethod"]), _backend(asked, doc), declared
    )


def _backend(asked: Asked, doc: Json) -> Backend:
    """The action that APIDOC names; where it says that action to be does not matter."""
    action = _object(doc["action"], "action")
    name = _action_name(asked.namespace, doc.get("namespace"), action)
    extension = asked.text("responsetype") or "json"
    if extension not in EXTENSIONS:
        raise Unfit(f"'{extension}' is no response type: it is one of {', '.join(sorted(EXTENSIONS))}.")
    checked = checked_name(*name, asked.namespace)
    if checked is None:
        raise Unfit(f"'{action.get('name')}' is not the name of an action.")
    return Backend(checked, extension, extension == "http", action.get("secureKey"))


def _action_name(owner: str, author: Any, action: Json) -> tuple[Any, str | None, str]:
    """Its namespace, package and name. The author's namespace means the caller's, as its `_` does."""
    *within, name = str(action.get("name") or "").lstrip("/").split("/")
    if len(within) == 2 or (within and str(action["name"]).startswith("/")):
        return within[0], "/".join(within[1:]), name
    namespace = action.get("namespace")
    return owner if namespace == author else namespace, "/".join(within), name


def _verb(text: Any) -> str:
    verb = str(text).lower()
    if verb not in VERBS:
        raise Unfit(f"'{text}' is not a valid API verb. Valid values are: {', '.join(VERBS).upper()}")
    return verb


def get(asked: Asked) -> Json:
    wanted = asked.text("basepath") or asked.text("apiname")
    own = asked.found(wanted) if wanted else asked.apis.of(asked.namespace)
    path, operation = asked.text("relpath"), asked.text("operation")
    verb = _verb(operation) if operation else None
    fitting = [(api, part) for api in own if (part := narrowed(api.document, path, verb)) is not None]
    skip, limit = _number(asked, "skip", 0), _number(asked, "limit", DEFAULT) or MOST
    return {"apis": [_entry(asked, api, part) for api, part in fitting[skip : skip + limit]]}


def _entry(asked: Asked, api: Api, document: Json) -> Json:
    identifier = f"API:{api.namespace}:{api.base}"
    return {"id": identifier, "key": identifier, "value": asked.value(api, document)}


def _number(asked: Asked, member: str, default: int) -> int:
    text = asked.text(member) or str(default)
    number = int(text) if text.isdecimal() else -1
    if not 0 <= number <= (MOST if member == "limit" else 10**9):
        most = f" of at most {MOST}" if member == "limit" else ""
        raise Unfit(f"'{member}' must be a whole number{most}, and is '{text}'.")
    return number


def delete(asked: Asked) -> Json:
    base, path, operation = asked.text("basepath"), asked.text("relpath"), asked.text("operation")
    if base is None:
        raise Unfit("basepath is required.")
    if operation and not path:
        raise Unfit("When specifying an operation, the path is required.")
    api = asked.one(base)
    document = without(api.document, path, _verb(operation) if operation else None) if path else None
    if document is None or not document["paths"]:
        asked.apis.delete(api)
    else:
        asked.apis.put(Api(api.namespace, document))
    return {}


def _object(value: Any, what: str) -> Json:
    """An object, which clients send as it is or as text."""
    if value in (None, ""):
        raise Unfit(f"{what} is required.")
    if isinstance(value, str):
        try:
            value = loads_foreign(value.encode(errors="replace"))
        except Problem:
            raise Unfit(f"{what} field cannot be parsed. Ensure it is valid JSON.") from None
    if not isinstance(value, dict):
        raise Unfit(f"{what} field should be a JSON object or a JSON string.")
    return value
