"""The annotations that make an action a web action, and what they may say."""

from collections.abc import Mapping
from typing import Any

from deepwhisk.errors import ManifestError
from deepwhisk.manifest.entities import Entity

KEYS = ("web-export", "raw-http", "final")
WEB = {
    **dict.fromkeys(("true", "yes"), (True, False, True)),
    "raw": (True, True, True),
    **dict.fromkeys(("false", "no"), (False, False, False)),
}
REQUIRE_AUTH = "require-whisk-auth"
LARGEST = 2**53 - 1  # what JavaScript counts to


def web_annotations(value: str, where: str) -> dict[str, bool]:
    """What `web` of an action means."""
    if not value:
        return {}
    if value.lower() not in WEB:
        raise ManifestError(f"{where}: web is {value!r}; it is true, false or raw.")
    return dict(zip(KEYS, WEB[value.lower()], strict=True))


def check_require_auth(annotations: Mapping[str, Any], where: str) -> None:
    """Raises ManifestError for a key that no caller could send."""
    if REQUIRE_AUTH not in annotations:
        return
    value = annotations[REQUIRE_AUTH]
    fits = (
        isinstance(value, bool)
        or (isinstance(value, str) and value not in ("", "<nil>"))
        or (isinstance(value, int) and 0 < value < LARGEST)
    )
    if not fits:
        raise ManifestError(
            f"{where}: {REQUIRE_AUTH} is {value!r}; it is true, false, text, or a whole number above 0 and "
            f"below {LARGEST}."
        )


def exported(entity: Entity) -> bool | None:
    """Whether an entity says that it is a web action; None when it does not say."""
    for pair in entity.body.get("annotations", ()):
        if pair["key"] == KEYS[0]:
            return pair["value"] is True
    return None


def annotated(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body that is a web action's."""
    kept = [pair for pair in body.get("annotations", ()) if pair["key"] not in KEYS]
    web = [{"key": key, "value": value} for key, value in zip(KEYS, WEB["true"], strict=True)]
    return {**body, "annotations": [*kept, *web]}
