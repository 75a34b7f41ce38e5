"""`/admin/v1`: what an operator asks of the engine; it is not of OpenWhisk's API, where `wskadmin` does it.

Law: only a key of the namespace `whisk.system` opens it, and a key is answered where it is made, never again.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from aiohttp.web import BaseRequest, Response

from deepwhisk.engine import users
from deepwhisk.engine.authentication import SYSTEM, Identity
from deepwhisk.engine.codec import loads_foreign
from deepwhisk.engine.entities import Entity
from deepwhisk.engine.exchange import check_length, read_query, reply
from deepwhisk.engine.platform import Platform
from deepwhisk.engine.problems import Problem, malformed, no_route
from deepwhisk.engine.tallies import Filter

ROOT = "/admin/v1/"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an operator wants: the name in the path, the query, and the members of the body."""

    platform: Platform
    name: str
    query: Mapping[str, str]
    body: Json

    def text(self, member: str) -> str | None:
        value = self.body.get(member)
        if value is not None and not isinstance(value, str):
            raise Problem(400, f"'{member}' must be a text, not {value!r}.")
        return value


async def answer_admin(
    platform: Platform, request: BaseRequest, _transaction_id: str, below: str, query: str
) -> Response:
    """Answers what is below `/admin/v1/`."""
    caller = platform.identities.require(request.headers.get("Authorization"))
    if caller.namespace != SYSTEM:
        raise Problem(403, "The supplied authentication is not authorized to access this resource.")
    collection, *names = [unquote(segment) for segment in below.split("/")]
    shape = "/".join([collection, *("NAME" for _ in names[:1]), *names[1:]])
    act = ROUTES.get((request.method, shape))
    if act is None:
        raise no_route()
    body = await _body(request, platform.limits.max_payload)
    platform.identities.confirm(caller)
    return reply(await act(Asked(platform, names[0] if names else "", read_query(query), body)))


async def _body(request: BaseRequest, limit: int) -> Json:
    check_length(request, limit)
    body = await request.read()
    content = loads_foreign(body) if body else {}
    if not isinstance(content, dict):
        raise malformed("JSON object expected")
    return content


async def _list(asked: Asked) -> list[Json]:
    subjects = dict.fromkeys(identity.subject for identity in asked.platform.identities)
    return [_shown(asked.platform, subject) for subject in subjects]


async def _get(asked: Asked) -> Json:
    """A user, and what goes when he is deleted."""
    shown = _shown(asked.platform, asked.name)
    for namespace in shown["namespaces"]:
        sharing = users.of_namespace(asked.platform, namespace["name"])
        namespace["users"] = [identity.subject for identity in sharing]
        namespace["holds"] = await _holds(asked.platform, namespace["name"])
    return shown


async def _holds(platform: Platform, namespace: str) -> dict[str, int]:
    held = [entity.collection for entity in platform.registry.newest(Entity, namespace)]
    return {
        **{collection: held.count(collection) for collection in ("actions", "packages", "triggers", "rules")},
        "apis": len(platform.apis.of(namespace)),
        "activations": await platform.activations.count(Filter(namespace)),
    }


async def _create(asked: Asked) -> Json:
    namespace = asked.text("namespace") or asked.name
    return _with_key(users.create(asked.platform, asked.name, namespace, asked.text("auth")))


async def _renew(asked: Asked) -> Json:
    namespace = asked.text("namespace") or asked.name
    return _with_key(users.renew(asked.platform, asked.name, namespace, asked.text("auth")))


async def _change(asked: Asked) -> Json:
    blocked = asked.body.get("blocked")
    if not isinstance(blocked, bool):
        raise Problem(400, f"'blocked' must be true or false, not {blocked!r}.")
    users.set_blocked(asked.platform, asked.name, blocked)
    return _shown(asked.platform, asked.name)


async def _delete(asked: Asked) -> Json:
    removed = await users.delete(asked.platform, asked.name, asked.query.get("namespace"))
    return {"subject": asked.name, "removed": removed}


async def _get_limits(asked: Asked) -> Json:
    _check_namespace(asked)
    tables = asked.platform.tables
    return {
        "namespace": asked.name,
        "limits": tables.of(asked.name).as_json(),
        "set": tables.set_for(asked.name),
        "file": dict(tables.policy.namespaces.get(asked.name, {})),
    }


async def _set_limits(asked: Asked) -> Json:
    _check_namespace(asked)
    try:
        asked.platform.tables.change(asked.name, asked.body)
    except ValueError as error:
        raise Problem(400, f"{error}.") from error
    return await _get_limits(asked)


async def _delete_limits(asked: Asked) -> Json:
    _check_namespace(asked)
    asked.platform.tables.forget(asked.name)
    return await _get_limits(asked)


def _check_namespace(asked: Asked) -> None:
    if not users.of_namespace(asked.platform, asked.name):
        raise Problem(404, f"There is no namespace '{asked.name}'.")


def _shown(platform: Platform, subject: str) -> Json:
    found = users.of_subject(platform, subject)
    namespaces = [{"name": identity.namespace, "uuid": identity.uuid} for identity in found]
    return {"subject": subject, "blocked": found[0].blocked, "namespaces": namespaces}


def _with_key(identity: Identity) -> Json:
    return {"subject": identity.subject, "namespace": identity.namespace, "auth": identity.credentials}


ROUTES: dict[tuple[str, str], Callable[[Asked], Awaitable[Any]]] = {
    ("GET", "users"): _list,
    ("GET", "users/NAME"): _get,
    ("PUT", "users/NAME"): _create,
    ("POST", "users/NAME"): _change,
    ("POST", "users/NAME/key"): _renew,
    ("DELETE", "users/NAME"): _delete,
    ("GET", "limits/NAME"): _get_limits,
    ("PUT", "limits/NAME"): _set_limits,
    ("DELETE", "limits/NAME"): _delete_limits,
}
