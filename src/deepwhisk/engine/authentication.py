"""Who asks: users, their keys, and HTTP Basic.

Keys are compared in constant time, never logged, and told to nobody but actions that ask for their caller's.
"""

import base64
import binascii
import hmac
import re
import secrets
import string
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from deepwhisk.engine.database import Database, Statement
from deepwhisk.engine.problems import invalid_authentication, not_authenticated

KEY_LENGTH = 64
GUEST, SYSTEM = "guest", "whisk.system"
_STORE = """INSERT INTO users VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (subject, namespace)
    DO UPDATE SET uuid = excluded.uuid, key = excluded.key, blocked = excluded.blocked"""
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_MEMBER = rf'{_WORD}[ \t]*=[ \t]*(?:{_WORD}|"[^"]*")'
_CREDENTIALS = re.compile(
    rf"({_WORD})(?:[ \t]+(?:([A-Za-z0-9._~+/-]+=*)|{_MEMBER}(?:[ \t]*,[ \t]*{_MEMBER})*))?"
)
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Identity:
    """A user's key to a namespace."""

    namespace: str
    uuid: str
    key: str = field(repr=False)
    subject: str
    home: str  # one and the same for all users of the namespace, and never again for any other
    blocked: bool = False

    @classmethod
    def new(cls, subject: str, namespace: str, home: str | None = None) -> "Identity":
        """With a random key."""
        name = str(uuid.uuid4())
        return cls(namespace, name, random_key(), subject, home or name)

    @property
    def credentials(self) -> str:
        return f"{self.uuid}:{self.key}"

    def statement(self) -> Statement:
        """Stores it, in the place of the one with its user and namespace if there is one."""
        values = (self.subject, self.namespace, self.uuid, self.key, self.home, self.blocked)
        return _STORE, values


class Identities:
    """All of them, in memory; a new database has the users `guest` and `whisk.system`, with random keys."""

    def __init__(self, database: Database) -> None:
        rows = database.read("SELECT namespace, uuid, key, subject, home, blocked FROM users ORDER BY rowid")
        found = [_identity(*row) for row in rows]
        if not found:
            found = [Identity.new(name, name) for name in (GUEST, SYSTEM)]
            database.write_now([identity.statement() for identity in found])
        self._by_uuid = {identity.uuid: identity for identity in found}
        self._settle()

    def __iter__(self) -> Iterator[Identity]:
        return iter(list(self._by_uuid.values()))

    def keep(self, identity: Identity) -> None:
        """Adds IDENTITY, in the place of the one with its uuid if there is one."""
        self._by_uuid[identity.uuid] = identity
        self._settle()

    def forget(self, identity: Identity) -> None:
        del self._by_uuid[identity.uuid]
        self._settle()

    def _settle(self) -> None:
        free = [identity for identity in self._by_uuid.values() if not identity.blocked]
        self._by_namespace = {identity.namespace: identity for identity in reversed(free)}

    def of(self, namespace: str) -> Identity | None:
        """In whose name is done what is done for NAMESPACE: its first user who is not blocked."""
        return self._by_namespace.get(namespace)

    def require(self, header: str | None) -> Identity:
        """Whose credentials an `Authorization` header holds; both ways to fail are 401."""
        credentials = _decode(header)
        if credentials is None:
            raise not_authenticated()
        identity = self.identify(credentials)
        if identity is None:
            raise invalid_authentication()
        return identity

    def confirm(self, identity: Identity) -> None:
        """Refuses one that was blocked, deleted or given another key since."""
        if self._by_uuid.get(identity.uuid) is not identity:
            raise invalid_authentication()

    def identify_header(self, header: str | None) -> Identity | None:
        """As `require`, where being nobody is fine."""
        credentials = _decode(header)
        return None if credentials is None else self.identify(credentials)

    def identify(self, credentials: bytes) -> Identity | None:
        name, _, key = credentials.partition(b":")
        identity = self._by_uuid.get(name.decode("latin-1"))
        expected = identity.key.encode() if identity else b"-" * KEY_LENGTH
        same = hmac.compare_digest(expected, key)
        return identity if identity and same and not identity.blocked else None


def _identity(namespace: str, uuid: str, key: str, subject: str, home: str, blocked: int) -> Identity:
    return Identity(namespace, uuid, key, subject, home, blocked == 1)


@lru_cache(1024)  # clients send one and the same with every request
def _decode(header: str | None) -> bytes | None:
    """The text of Basic credentials, empty where they are of another scheme; nothing if there are none."""
    found = _CREDENTIALS.fullmatch((header or "").strip())
    if found is None:
        return None
    scheme, token = found.groups()
    try:
        return base64.b64decode(token or "", validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        return b""


def random_key() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(KEY_LENGTH))
