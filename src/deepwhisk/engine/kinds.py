"""Which actions this engine can run: kinds, and images that stand for the project's own runtime.

An action keeps the kind it was put with; `Executable.kind` is what that kind resolves to here.
"""

from typing import Any

from deepwhisk.engine.problems import Problem, malformed

BLACKBOX, SEQUENCE = "blackbox", "sequence"
PYTHON = "python:3"
OWN_IMAGES = ("deepwhisk/", "docker.io/deepwhisk/")
IMAGE = "deepwhisk/runtime-python"

# Accepted kind: what runs it. The first of a family is the family's default.
KINDS = {PYTHON: PYTHON, "python:3.11": PYTHON}


def resolve_kind(text: str) -> str:
    """The kind to keep: `family:default` becomes the family's, an unknown one is refused."""
    kind = text.strip().lower()
    family, _, version = kind.partition(":")
    if version == "default":
        kind = next((known for known in KINDS if known.startswith(f"{family}:")), kind)
    if kind in KINDS or kind in (BLACKBOX, SEQUENCE):
        return kind
    valid = ", ".join(f"'{known}'" for known in (*KINDS, SEQUENCE, BLACKBOX))
    raise malformed(
        f"The specified runtime '{kind}' is not supported by this platform. Valid values are: {valid}."
    )


def runner_of(kind: str) -> str:
    """What runs an action of KIND, which may have been put when the table was another one."""
    if kind != BLACKBOX and kind not in KINDS:
        raise Problem(
            400,
            f"The '{kind}' runtime is no longer supported. You may read and delete but not update or invoke "
            "this action.",
        )
    return KINDS.get(kind, kind)


def check_image(image: str) -> str:
    if not image.startswith(OWN_IMAGES):
        raise malformed(
            f"The image '{image}' cannot be run here: this engine has no Docker and runs images named "
            f"deepwhisk/… only. Put the code in a zip of kind '{PYTHON}' with a requirements.txt, or "
            "deploy this action to an OpenWhisk that has Docker."
        )
    return image


def runtimes() -> dict[str, list[dict[str, Any]]]:
    """The table that clients read from `GET /`."""
    families: dict[str, list[dict[str, Any]]] = {}
    for kind in KINDS:
        entries = families.setdefault(kind.partition(":")[0], [])
        entries.append(_runtime(kind, default=not entries))
    return families


def _runtime(kind: str, *, default: bool) -> dict[str, Any]:
    return {
        "kind": kind,
        "image": IMAGE,
        "default": default,
        "deprecated": False,
        "attached": True,
        "requireMain": False,
    }
