"""Who asks: namespaces, their keys, and HTTP Basic.

Keys are compared in constant time and never logged.
"""

import base64
import binascii
import hmac
import secrets
import string
import uuid
from dataclasses import dataclass, field

from deepwhisk.engine.database import Database
from deepwhisk.engine.problems import invalid_authentication, not_authenticated

KEY_LENGTH = 64
GUEST, SYSTEM = "guest", "whisk.system"
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Identity:
    """A namespace and the key that opens it."""

    namespace: str
    uuid: str
    key: str = field(repr=False)

    @property
    def credentials(self) -> str:
        return f"{self.uuid}:{self.key}"


class Identities:
    """Makes the namespaces `guest` and `whisk.system`, with random keys, in a new database."""

    def __init__(self, database: Database) -> None:
        rows = database.read("SELECT name, uuid, key FROM namespaces")
        if not rows:
            rows = [(name, str(uuid.uuid4()), _random_key()) for name in (GUEST, SYSTEM)]
            database.write_now([("INSERT INTO namespaces VALUES (?, ?, ?)", row) for row in rows])
        self._by_uuid = {row[1]: Identity(*row) for row in rows}
        self._by_namespace = {identity.namespace: identity for identity in self._by_uuid.values()}

    def of(self, namespace: str) -> Identity | None:
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

    def identify_header(self, header: str | None) -> Identity | None:
        """As `require`, where being nobody is fine."""
        credentials = _decode(header)
        return None if credentials is None else self.identify(credentials)

    def identify(self, credentials: bytes) -> Identity | None:
        name, _, key = credentials.partition(b":")
        identity = self._by_uuid.get(name.decode("latin-1"))
        expected = identity.key.encode() if identity else b"-" * KEY_LENGTH
        return identity if hmac.compare_digest(expected, key) else None


def _decode(header: str | None) -> bytes | None:
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() != "basic" or not value.strip():
        return None
    try:
        return base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None


def _random_key() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(KEY_LENGTH))
