"""wskdeploy's grammar: the keys a manifest may have, and YAML as Go's yaml.v2 reads it.

As strict as the stock tool: an unknown key, or one written twice, is refused with its file and line. Content
files of a project (`actions/*.yaml`, `sequences/*.yaml`, …) are pieces of the same grammar.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from deepwhisk.errors import ManifestError
from deepwhisk.goyaml import TAG, GoLoader, check_size, merged

TEXT, FLAG, NUMBER, VALUE = "text", "true or false", "a whole number", "a value"
NAMES = "text, or a list of names"
GONE = {  # keys that wskdeploy had once, and what to write today
    "package": "write `packages:` with the name of the package below it",
    "application": "it is called `project` today",
    "parameters": "they are called `inputs`",
}


class Lines(dict[str, Any]):
    """A mapping of a file that knows the line of each of its keys."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[str, int] = {}


def line(found: Mapping[str, Any], key: str) -> int:
    """The line on which a key is written; 0 where nobody knows."""
    return found.at.get(key, 0) if isinstance(found, Lines) else 0


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping with these keys and no others; `name` is how an error calls it."""

    name: str
    rules: Mapping[str, "Rule"]


@dataclass(frozen=True, slots=True)
class Each:
    """A mapping from names to things of one rule."""

    rule: "Rule"


@dataclass(frozen=True, slots=True)
class Items:
    """A list of things of one rule."""

    rule: "Rule"


Rule: TypeAlias = str | Keys | Each | Items


def _texts(keys: str) -> dict[str, Rule]:
    return dict.fromkeys(keys.split(), TEXT)


ANNOTATIONS = INPUTS = Each(VALUE)
LIMITS = Keys(
    "limits",
    dict.fromkeys(("timeout", "memorySize", "logSize"), NUMBER)
    | dict.fromkeys(("concurrentActivations", "userInvocationRate", "codeSize", "parameterSize"), NUMBER),
)
ACTION = Keys(
    "an action",
    _texts("name location version function code runtime namespace credential exposedUrl")
    | _texts("web-export web main docker description")
    | {"native": FLAG, "conductor": FLAG, "include": Items(Items(TEXT)), "exclude": Items(TEXT)}
    | {"limits": LIMITS, "inputs": INPUTS, "outputs": INPUTS, "annotations": ANNOTATIONS},
)
SEQUENCE = Keys("a sequence", _texts("web") | {"actions": NAMES, "annotations": ANNOTATIONS})
TRIGGER = Keys(
    "a trigger",
    _texts("name feed source namespace credential description")
    | {"inputs": INPUTS, "annotations": ANNOTATIONS},
)
RULE = Keys("a rule", _texts("name trigger action rule description") | {"annotations": ANNOTATIONS})
FEED = Keys(
    "a feed",
    _texts("namespace credential location action name") | {"inputs": Each(TEXT), "operations": Each(VALUE)},
)
DEPENDENCY = Keys("a dependency", _texts("version location") | {"inputs": INPUTS, "annotations": ANNOTATIONS})
REPOSITORY = Keys("a repository", _texts("url description credential"))
API = Each(Each(Each(Keys("a method", _texts("method response")))))
PACKAGE = Keys(
    "a package",
    _texts("name version license namespace credential apiHost apigwAccessToken description")
    | {"public": FLAG, "repositories": Items(REPOSITORY), "dependencies": Each(DEPENDENCY)}
    | {"actions": Each(ACTION), "sequences": Each(SEQUENCE), "triggers": Each(TRIGGER)}
    | {"rules": Each(RULE), "feeds": Each(FEED), "apis": Each(API)}
    | {"inputs": INPUTS, "annotations": ANNOTATIONS},
)
PROJECT = Keys(
    "a project",
    _texts("name namespace credential apiHost apigwAccessToken version config")
    | {"packages": Each(PACKAGE), "inputs": INPUTS},
)
MANIFEST = Keys("a manifest", {"project": PROJECT, "packages": Each(PACKAGE)})


def read(text: str, file: str, rule: Rule) -> dict[str, Any]:
    """What a YAML text says, as plain values; ManifestError names file, line and key."""
    try:
        loader = GoLoader(text)
        node = loader.get_single_node()
        check_size(node)
        return {} if node is None else _Reader(file, loader).read(node, rule, "")
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ManifestError(f"{file}:{line}: this is not YAML: {error.problem}.") from error
    except yaml.YAMLError as error:
        raise ManifestError(f"{file}: this is not YAML: {error}.") from error
    except RecursionError as error:
        raise ManifestError(f"{file}: the YAML is nested too deeply.") from error


class _Reader:
    """Walks the nodes of one file beside the rules."""

    def __init__(self, file: str, loader: "GoLoader") -> None:
        self._file = file
        self._loader = loader

    def read(self, node: yaml.Node, rule: Rule, where: str) -> Any:
        match rule:
            case Keys():
                return self._keys(node, rule, where)
            case Each(inner):
                return self._each(node, inner, where)
            case Items(inner):
                return [self.read(item, inner, where) for item in self._items(node, where)]
            case _:
                return self._leaf(node, rule, where)

    def _keys(self, node: yaml.Node, rule: Keys, where: str) -> dict[str, Any]:
        found = Lines()
        for key, value, at in self._pairs(node, where or rule.name):
            if key not in rule.rules:
                advice = GONE.get(key) or f"it may have: {', '.join(sorted(rule.rules))}"
                raise self._error(at, f"{rule.name} has no key {key!r}; {advice}")
            found[key] = self.read(value, rule.rules[key], _join(where, key))
            found.at[key] = _line(at)
        return found

    def _each(self, node: yaml.Node, rule: Rule, where: str) -> dict[str, Any]:
        found = Lines()
        for key, value, at in self._pairs(node, where or "the file"):
            found[key] = self.read(value, rule, _join(where, key))
            found.at[key] = _line(at)
        return found

    def _pairs(self, node: yaml.Node, where: str) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        if _is_null(node):
            return
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, f"{where} must be a mapping, not {_described(node)}")
        seen = set()
        for key, value in merged(node):
            name = self._key(key, where)
            if name in seen:
                raise self._error(key, f"the key {name!r} is written twice in {where}")
            seen.add(name)
            yield name, value, key

    def _key(self, key: yaml.Node, where: str) -> str:
        if not isinstance(key, yaml.ScalarNode) or _is_null(key):
            raise self._error(key, f"a key of {where} must be text")
        return str(key.value)

    def _items(self, node: yaml.Node, where: str) -> list[yaml.Node]:
        if _is_null(node):
            return []
        if not isinstance(node, yaml.SequenceNode):
            raise self._error(node, f"{where} must be a list, not {_described(node)}")
        return list(node.value)

    def _leaf(self, node: yaml.Node, kind: str, where: str) -> Any:
        if kind == VALUE:
            return self._value(node, where)
        if kind == NAMES and isinstance(node, yaml.SequenceNode):
            return ",".join(self._leaf(item, TEXT, where) for item in node.value)
        if not isinstance(node, yaml.ScalarNode):
            raise self._error(node, f"{where} must be {kind}, not {_described(node)}")
        if kind in (TEXT, NAMES):
            return "" if _is_null(node) else node.value
        value = self._value(node, where)
        if value is not None and type(value) is not (bool if kind == FLAG else int):
            raise self._error(node, f"{where} must be {kind}, not {node.value!r}")
        return value

    def _value(self, node: yaml.Node, where: str) -> Any:
        if isinstance(node, yaml.MappingNode):
            self._refuse_truths(node, where)
            return {key: self._value(value, _join(where, key)) for key, value, _ in self._pairs(node, where)}
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, where) for item in node.value]
        value = self._loader.construct_object(node)
        if isinstance(value, float) and not math.isfinite(value):
            raise self._error(node, f"{where} is {node.value}, which JSON cannot hold")
        return value

    def _refuse_truths(self, node: yaml.MappingNode, where: str) -> None:
        """A bare key like `n` or `yes` would become `false` or `true` in JSON."""
        for key, _ in node.value:
            if key.tag == f"{TAG}bool":
                raise self._error(key, f"quote the key {key.value!r} of {where}: YAML reads it as a boolean")

    def _error(self, node: yaml.Node, message: str) -> ManifestError:
        return ManifestError(f"{self._file}:{_line(node)}: {message}.")


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == f"{TAG}null"


def _described(node: yaml.Node) -> str:
    if isinstance(node, yaml.CollectionNode):
        return "a mapping" if isinstance(node, yaml.MappingNode) else "a list"
    return repr(node.value)


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
