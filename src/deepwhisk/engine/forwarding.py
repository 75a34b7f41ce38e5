"""`GET /runtime/namespaces/NAMESPACE/logForwarding`: what Adobe's client asks before it shows logs.

They stay here: a namespace has no destination, and can be given none.
"""

import re

from aiohttp.web import BaseRequest, Response

from deepwhisk.engine.exchange import reply
from deepwhisk.engine.platform import Platform
from deepwhisk.engine.problems import forbidden

_PATH = re.compile(r"/runtime/namespaces/([^/]+)/logForwarding")


def answer_forwarding(platform: Platform, request: BaseRequest, path: str) -> Response | None:
    """Answers that question; nothing when it is another."""
    asked = _PATH.fullmatch(path)
    if asked is None or request.method != "GET":
        return None
    namespace = asked.group(1)
    if platform.identities.require(request.headers.get("Authorization")).namespace != namespace:
        raise forbidden(namespace)
    return reply({})
