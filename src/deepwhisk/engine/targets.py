"""What an invocation reaches: the action behind a name, with the rights and parameters that apply to it.

Packages and bindings are followed here and nowhere else. A target is worked out once and kept until any
entity changes.
"""

import hashlib
import time
from dataclasses import dataclass, field
from typing import Any

from deepwhisk.engine.authentication import Identity
from deepwhisk.engine.codec import dumps
from deepwhisk.engine.entities import Action, Package
from deepwhisk.engine.invocation import Executable
from deepwhisk.engine.names import Name
from deepwhisk.engine.parameters import Parameters, is_truthy
from deepwhisk.engine.problems import forbidden, missing, reserved_properties
from deepwhisk.engine.registry import Registry

DRIVER = "container-driver"  # annotations, which OpenWhisk passes over
CONCURRENCY, MIN_WARM, KEEP_ALIVE = "concurrency", "min-warm", "keep-alive"
WARM_FOR = 60.0  # seconds after a call in which a container need not be asked for ahead


@dataclass(frozen=True, slots=True)
class Found:
    """An action, and the packages on the way to it."""

    action: Action
    package: Package | None = None
    binding: Package | None = None

    def parameters(self) -> Parameters:
        """Those of the package, the binding and the action, the later winning."""
        merged = dict(self.package.parameters) if self.package else {}
        if self.binding:
            merged.update(self.binding.parameters)
        return {**merged, **self.action.parameters}


@dataclass(slots=True)
class Target:
    """An action, ready to be called by one namespace."""

    action: Action
    path: str  # what its activations are filed under
    binding: str | None
    defaults: dict[str, Any]  # parameters that go under the payload
    initial: frozenset[str]  # keys that go to the container's environment instead
    immutable: frozenset[str]
    needs_key: bool
    is_conductor: bool
    executable: Executable | None  # None for a sequence
    called: float = field(default=0.0)

    def payload(self, sent: dict[str, Any] | list[Any]) -> dict[str, Any] | list[Any]:
        if isinstance(sent, list):
            return sent
        merged = {**self.defaults, **sent} if self.defaults else sent
        if not self.initial.isdisjoint(merged):
            merged = {key: value for key, value in merged.items() if key not in self.initial}
        return merged

    def check_overrides(self, sent: dict[str, Any]) -> None:
        if self.immutable and not self.immutable.isdisjoint(sent):
            raise reserved_properties()

    def is_cold(self) -> bool:
        """Whether a container had better be started ahead; says so once in a while."""
        now = time.monotonic()
        cold, self.called = now - self.called > WARM_FOR, now
        return cold


def readable_package(registry: Registry, name: Name, caller: str) -> tuple[Package, Package | None]:
    """The package NAME that CALLER may read, and the binding on the way to it."""
    package = registry.find(Package, name)
    if name.namespace != caller and (package is None or not package.publish):
        raise forbidden(name.id)
    if package is None:
        raise missing()
    if package.binding is None:
        return package, None
    provider = registry.find(Package, package.binding)
    if provider is None or (provider.name.namespace != caller and not provider.publish):
        raise forbidden(name.id)
    return provider, package


def find_action(registry: Registry, name: Name, caller: str) -> Found:
    """The action that CALLER may read and invoke under NAME."""
    if name.package is None:
        if name.namespace != caller:
            raise forbidden(name.id)
        return Found(registry.get(Action, name))
    package, binding = readable_package(registry, Name(name.namespace, None, name.package), caller)
    home = Name(package.name.namespace, package.name.name, name.name)
    return Found(registry.get(Action, home), package, binding)


def target(registry: Registry, name: Name, caller: Identity) -> Target:
    """What CALLER reaches by NAME."""
    key = (caller.home, name)
    known: Target | None = registry.derived.get(key)
    if known is None:
        found = find_action(registry, name, caller.namespace)
        known = registry.derived[key] = _target(registry, found, name, caller)
    return known


def _target(registry: Registry, found: Found, name: Name, caller: Identity) -> Target:
    action, parameters = found.action, found.parameters()
    values = {} if action.is_sequence else {key: each.value for key, each in parameters.items()}
    initial = {key: each.value for key, each in parameters.items() if each.init}
    final = action.annotations.get("final") is True
    return Target(
        action=action,
        path=name.local,
        binding=found.binding.name.id if found.binding else None,
        defaults={key: value for key, value in values.items() if key not in initial},
        initial=frozenset(initial),
        immutable=frozenset(key for key, value in values.items() if value is not None)
        if final
        else frozenset(),
        needs_key=_needs_key(action),
        is_conductor=not action.is_sequence and is_truthy(action.annotations, "conductor"),
        executable=None if action.is_sequence else executable(registry, action, caller, initial),
    )


def executable(registry: Registry, action: Action, caller: Identity, initial: dict[str, Any]) -> Executable:
    """What a container of ACTION is made for; a package's parameters can make it another one."""
    run, limits = action.exec, action.limits
    revision = action.revision
    if action.name.namespace != caller.namespace:
        revision += caller.home  # who has this name later finds nothing of who had it before
    if initial:
        revision += hashlib.sha256(dumps(sorted(initial.items()))).hexdigest()[:12]
    return Executable(
        key=(caller.namespace, action.name.id, revision),
        kind=registry.kinds.runner_of(run.kind),
        image=run.image,
        code=registry.code(action) if run.has_code else "",
        binary=run.binary,
        main=run.main,
        timeout=limits.timeout,
        memory=limits.memory,
        logs=limits.logs,
        concurrency=_concurrency(registry, action),
        version=action.version,
        init_parameters=initial,
        driver=_driver(action),
        min_warm=whole(action, MIN_WARM, 0),
        keep_alive=_keep_alive(action),
        api_key=caller.credentials if _needs_key(action) else None,
    )


def _needs_key(action: Action) -> bool:
    return is_truthy(action.annotations, "provide-api-key", absent=True)


def whole(action: Action, annotation: str, least: int) -> int:
    """The number of an annotation; the least there is where it says none."""
    said = action.annotations.get(annotation)
    return max(said, least) if type(said) is int else least


def _concurrency(registry: Registry, action: Action) -> int:
    """The limit, or what the annotation asks for, which servers that grant no more than one do not know."""
    return max(action.limits.concurrency, min(whole(action, CONCURRENCY, 1), registry.most_together))


def _keep_alive(action: Action) -> float | None:
    said = action.annotations.get(KEEP_ALIVE)
    if isinstance(said, bool) or not isinstance(said, int | float) or said < 0:
        return None
    return float(said)


def _driver(action: Action) -> str | None:
    """Which sort of containers the action asks for, if it does."""
    asked = action.annotations.get(DRIVER)
    return None if asked is None else str(asked)
