"""Answers that say no: every error a client can see, raised where it is noticed.

A `Problem` becomes `{"error": message, "code": transaction id}`; both members matter: `wsk` prints the
message only when it finds the two.
"""

FAILED_INSIDE = "There was an internal server error."
REALM = 'Basic realm="OpenWhisk secure realm",charset=UTF-8'


class Problem(Exception):
    """Raised to answer a request with an error; `headers` are added to the answer's."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


class Abandoned(Exception):
    """Raised where OpenWhisk's HTTP layer gives up: the answer is plain text, with no header of the API."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Rejection(Problem):
    """Raised when a request is not understood at all; OpenWhisk answers those without CORS headers."""


def malformed(detail: str) -> Problem:
    return Rejection(400, f"The request content was malformed:\n{detail}")


def bad_query(name: str, detail: str) -> Problem:
    return Rejection(400, f"The query parameter '{name}' was malformed:\n{detail}")


def requirement(detail: str) -> Problem:
    return Problem(400, f"requirement failed: {detail}")


def missing() -> Problem:
    return Problem(404, "The requested resource does not exist.")


def no_route() -> Problem:
    return Rejection(404, "The requested resource could not be found.")


def forbidden(resource: str) -> Problem:
    return Problem(403, f"The supplied authentication is not authorized to access '{resource}'.")


def wrong_collection() -> Problem:
    return Problem(409, "Resource by this name exists but is not in this collection.")


def already_exists() -> Problem:
    return Problem(409, "resource already exists")


def reserved_properties() -> Problem:
    return Problem(400, "Request defines parameters that are not allowed (e.g., reserved properties).")


def too_large(what: str, size: int, limit: int) -> Problem:
    return Problem(413, f"{what} larger than allowed: {size} > {limit} bytes.")


def method_not_allowed(*methods: str) -> Problem:
    allowed = ", ".join(methods)
    return Rejection(405, f"HTTP method not allowed, supported methods: {allowed}", {"Allow": allowed})


def not_authenticated() -> Problem:
    text = "The resource requires authentication, which was not supplied with the request"
    return Rejection(401, text, {"WWW-Authenticate": REALM})


def invalid_authentication() -> Problem:
    return Rejection(401, "The supplied authentication is invalid", {"WWW-Authenticate": REALM})


def secret_needed() -> Problem:
    return Problem(401, "Authentication is possible but has failed or not yet been provided.")


def unsupported_type(content_type: str) -> Problem:
    text = f"The request's Content-Type [{content_type}] is not supported. Expected:\napplication/json"
    return Rejection(415, text)


def not_acceptable(offered: str) -> Problem:
    return Rejection(406, f"Resource representation is only available with these types:\n{offered}")
