"""Deployment in four steps, of which only the last one changes anything.

    parse    the manifest becomes entities: what should be (deepwhisk.manifest)
    read     the server's entities: what is
    plan     the difference, a value; `--dry-run` prints it and stops here
    apply    one request after another; safe to repeat after a failure

Over REST only, with nothing that only one server has. What a project deployed carries the annotation
`whisk-managed`, so that what it no longer declares is removed; anything else is left alone.
"""

from collections.abc import Mapping

from deepwhisk.deploy.actual import Actual, default_kinds, read_actual
from deepwhisk.deploy.applying import apply
from deepwhisk.deploy.change import Change, Field
from deepwhisk.deploy.planning import plan
from deepwhisk.manifest import Environ, Manifest, Source, manifest_text, parse
from deepwhisk.project import MANIFEST, Project
from deepwhisk.whisk import Whisk

__all__ = [
    "Actual",
    "Change",
    "Field",
    "apply",
    "desired",
    "plan",
    "plan_project",
    "plan_removal",
    "read_actual",
    "unset_names",
]


def desired(project: Project, environ: Mapping[str, str], kinds: Mapping[str, str]) -> Manifest:
    """What should be: the entities of a project, with `$NAME` looked up in `environ`."""
    source = Source(MANIFEST, project.folder, Environ(environ), kinds)
    return parse(manifest_text(project), source)


def plan_project(project: Project, whisk: Whisk, environ: Mapping[str, str]) -> tuple[Change, ...]:
    """What a deployment would do. The manifest is checked before the server is asked for anything."""
    desired(project, environ, {})
    kinds = default_kinds(whisk)
    manifest = desired(project, environ, kinds)
    return plan(manifest, read_actual(whisk, manifest, kinds))


def unset_names(project: Project, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The `$NAME` of a manifest that are empty in this environment, and would be deployed so."""
    return desired(project, environ, {}).unset


def plan_removal(project: Project, whisk: Whisk) -> tuple[Change, ...]:
    """What taking a project away would do: everything goes that carries its name."""
    nothing = Manifest(desired(project, {}, {}).project, "", ())
    return plan(nothing, read_actual(whisk, nothing, {}))
