"""What an operator does with users: make, block, give a new key, delete.

A namespace lives as long as it has a user. When the last one is deleted, what runs for it is ended and all it
holds is removed: entities, APIs and limits at once, activations in steps, also across a restart.
"""

import asyncio
import re
import uuid
from collections.abc import Iterable
from dataclasses import replace

from deepwhisk.engine.authentication import KEY_LENGTH, SYSTEM, Identity, random_key
from deepwhisk.engine.codec import loads
from deepwhisk.engine.database import Database, Statement
from deepwhisk.engine.entities import Entity
from deepwhisk.engine.names import check_name, check_namespace
from deepwhisk.engine.platform import Platform, log
from deepwhisk.engine.problems import Problem
from deepwhisk.engine.retention import STEP

_SOME = "DELETE FROM activations WHERE number IN (SELECT number FROM activations WHERE namespace = ? LIMIT ?)"
_KEY = re.compile(rf"[!-9;-~]{{{KEY_LENGTH}}}")


def of_subject(platform: Platform, subject: str) -> list[Identity]:
    """The keys of a user, at least one."""
    found = [identity for identity in platform.identities if identity.subject == subject]
    if not found:
        raise Problem(404, f"There is no user '{subject}'.")
    return found


def of_namespace(platform: Platform, namespace: str) -> list[Identity]:
    return [identity for identity in platform.identities if identity.namespace == namespace]


def create(platform: Platform, subject: str, namespace: str, auth: str | None = None) -> Identity:
    """A user, or one more namespace of a user; AUTH is a key that he has already."""
    if "_" in (check_name(subject), check_namespace(namespace)):
        raise Problem(400, "'_' stands for one's own namespace and cannot be a name.")
    if any(one.subject == subject and one.namespace == namespace for one in platform.identities):
        raise Problem(409, f"The user '{subject}' has a key to the namespace '{namespace}' already.")
    if platform.database.read("SELECT 1 FROM leaving WHERE namespace = ?", (namespace,)):
        text = "is still being removed; try again in a moment."
        raise Problem(409, f"What the namespace '{namespace}' held {text}")
    others = of_namespace(platform, namespace)
    blocked = any(one.blocked for one in platform.identities if one.subject == subject)
    new = Identity.new(subject, namespace, others[0].home if others else None)
    return _keep(platform, _with_key(platform, replace(new, blocked=blocked), auth))


def renew(platform: Platform, subject: str, namespace: str, auth: str | None = None) -> Identity:
    """Another key in the place of the one that a user has to NAMESPACE."""
    old = next((one for one in of_subject(platform, subject) if one.namespace == namespace), None)
    if old is None:
        raise Problem(404, f"The user '{subject}' has no key to the namespace '{namespace}'.")
    new = _with_key(platform, replace(old, key=random_key()), auth)
    if new.uuid != old.uuid:
        platform.identities.forget(old)
    return _keep(platform, new)


def set_blocked(platform: Platform, subject: str, blocked: bool) -> list[Identity]:
    found = of_subject(platform, subject)
    if blocked:
        _leave_an_operator(platform, found)
    return [_keep(platform, replace(identity, blocked=blocked)) for identity in found]


async def delete(platform: Platform, subject: str, namespace: str | None = None) -> list[str]:
    """Takes a user's keys away, or the one to NAMESPACE; the namespaces that nobody is left in."""
    found = [one for one in of_subject(platform, subject) if namespace in (None, one.namespace)]
    if not found:
        raise Problem(404, f"The user '{subject}' has no key to the namespace '{namespace}'.")
    _leave_an_operator(platform, found)
    for identity in found:
        platform.identities.forget(identity)
    left = [one.namespace for one in found if not of_namespace(platform, one.namespace)]
    removals: list[Statement] = [
        ("DELETE FROM users WHERE subject = ? AND namespace = ?", (subject, one.namespace)) for one in found
    ]
    platform.database.write_now([*removals, *(("INSERT INTO leaving VALUES (?)", (name,)) for name in left)])
    for name in left:
        await _clear(platform, name)
        platform.spawn(_forget_activations(platform.database, name))
    return left


def resume_leaving(platform: Platform) -> None:
    """Goes on with what a stop interrupted."""
    for (namespace,) in platform.database.read("SELECT namespace FROM leaving"):
        _remove(platform, namespace)
        platform.spawn(_forget_activations(platform.database, namespace))


async def _clear(platform: Platform, namespace: str) -> None:
    """Ends what runs for NAMESPACE, and removes all that others could see of it."""
    tasks = [task for task, owner in platform.running.items() if owner == namespace]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    _remove(platform, namespace)


def _remove(platform: Platform, namespace: str) -> None:
    platform.registry.delete(list(platform.registry.newest(Entity, namespace)))
    for api in platform.apis.of(namespace):
        platform.apis.delete(api)
    platform.tables.forget(namespace)
    rows = platform.database.read("SELECT id, work FROM accepted")
    ids = [one for one, work in rows if loads(work)["caller"] == namespace]
    platform.database.write_now([("DELETE FROM accepted WHERE id = ?", (one,)) for one in ids])


async def _forget_activations(database: Database, namespace: str) -> None:
    while database.read("SELECT 1 FROM activations WHERE namespace = ? LIMIT 1", (namespace,)):
        await database.write([(_SOME, (namespace, STEP))])
        await asyncio.sleep(0.005)
    await database.write([("DELETE FROM leaving WHERE namespace = ?", (namespace,))])
    log.info("the namespace %s and all it held are removed", namespace)


def _keep(platform: Platform, identity: Identity) -> Identity:
    platform.database.write_now([identity.statement()])
    platform.identities.keep(identity)
    platform.introduce(identity)
    return identity


def _with_key(platform: Platform, identity: Identity, auth: str | None) -> Identity:
    """IDENTITY with the key AUTH, `uuid:key`, if there is one."""
    if auth is None:
        return identity
    name, _, key = auth.partition(":")
    if not _is_uuid(name) or not _KEY.fullmatch(key):
        raise Problem(400, f"A key is a UUID, a colon and {KEY_LENGTH} characters; this one is not.")
    own = identity.subject, identity.namespace
    if any(one.uuid == name and (one.subject, one.namespace) != own for one in platform.identities):
        raise Problem(409, f"Another user's key has the UUID {name}.")
    return replace(identity, uuid=name, key=key)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _leave_an_operator(platform: Platform, going: Iterable[Identity]) -> None:
    """Somebody must be able to let others in again."""
    gone = {identity.uuid for identity in going}
    rest = [one for one in of_namespace(platform, SYSTEM) if one.uuid not in gone and not one.blocked]
    if not rest:
        raise Problem(409, f"This is the last user of '{SYSTEM}', who alone can administer this engine.")
