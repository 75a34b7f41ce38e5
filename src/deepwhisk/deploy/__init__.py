"""Deployment in four steps, of which only the last one changes anything.

    parse    the manifest becomes entities: what should be (deepwhisk.manifest)
    read     the server's entities: what is
    plan     the difference, a value; `--dry-run` prints it and stops here
    apply    one request after another; safe to repeat after a failure

Over REST only, with nothing that only one server has. What a project deployed carries the annotation
`whisk-managed`, so that what it no longer declares is removed; anything else is left alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from deepwhisk.deploy.actual import Actual, default_kinds, known_kinds, read_actual
from deepwhisk.deploy.applying import apply
from deepwhisk.deploy.change import Change, Field
from deepwhisk.deploy.gateway import Gateway
from deepwhisk.deploy.planning import plan
from deepwhisk.deploy.removing import plan_removal
from deepwhisk.errors import ManifestError
from deepwhisk.manifest import Environ, Manifest, Origin, parse
from deepwhisk.whisk import Whisk

__all__ = [
    "Actual",
    "Change",
    "Field",
    "Gateway",
    "Order",
    "apply",
    "plan",
    "plan_deployment",
    "plan_removal",
    "read_actual",
]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be deployed, and as which project."""

    origin: Origin
    environ: Mapping[str, str]  # what `$NAME` means
    name: str = ""  # of the project, in place of the one that the manifest says
    managed: bool | None = None  # whether it is deployed as a project; None where it has a name

    def manifest(
        self, kinds: Mapping[str, str] | None = None, known: frozenset[str] = frozenset()
    ) -> Manifest:
        """The entities; without the kinds of a server, as far as they can be known. Raises ManifestError."""
        source = self.origin.source(Environ(self.environ), kinds or {}, known)
        found = parse(self.origin.text, source)
        name = self.name or found.project
        if self.managed and not name:
            raise ManifestError(f"{found.file} has no project.name, which --managed needs; or --projectname.")
        return _unmanaged(found) if self.managed is False else replace(found, project=name)


def _passed_over(manifest: Manifest) -> None:
    """Tell nobody."""


def _unmanaged(manifest: Manifest) -> Manifest:
    return replace(manifest, project="", dependencies=tuple(map(_unmanaged, manifest.dependencies)))


def plan_deployment(
    order: Order,
    whisk: Whisk,
    gateway: Gateway | None = None,
    on_manifest: Callable[[Manifest], None] = _passed_over,
) -> tuple[Change, ...]:
    """What a deployment would do. The manifest is checked before the server is asked for anything.

    `on_manifest` hears of what is deployed there, whose warnings depend on the kinds of the server.
    """
    order.manifest()
    table = whisk.about().get("runtimes", {})
    kinds = default_kinds(table)
    manifest = order.manifest(kinds, known_kinds(table))
    on_manifest(manifest)
    return plan(manifest, read_actual(whisk, manifest, kinds, gateway))
