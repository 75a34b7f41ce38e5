"""YAML as Go's yaml.v2 reads it, which is what wskdeploy reads manifests with.

Bare `y` and `n` are booleans, `1e3` is a number, `1:30` is text. What is written here reads the same there.
"""

import re
from typing import Any, TypeAlias

import yaml

TAG = "tag:yaml.org,2002:"
MERGE = f"{TAG}merge"
LARGEST = 1_000_000  # values of a file, with what its aliases stand for
Pairs: TypeAlias = list[tuple[yaml.Node, yaml.Node]]


class GoLoader(yaml.SafeLoader):
    """Resolves plain scalars as Go does; a time is text."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 — PyYAML's own way


GO_SCALARS = (
    ("bool", r"y|Y|yes|Yes|YES|on|On|ON|true|True|TRUE|n|N|no|No|NO|off|Off|OFF|false|False|FALSE"),
    ("int", r"[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)"),
    (
        "float",
        r"[-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    ),
    ("null", r"~|null|Null|NULL|"),
    ("merge", r"<<"),
)
for _tag, _pattern in GO_SCALARS:
    GoLoader.add_implicit_resolver(TAG + _tag, re.compile(rf"^(?:{_pattern})$"), None)


def _truth(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> bool:
    return node.value.lower() in ("y", "yes", "on", "true")


def _whole(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    digits = node.value.replace("_", "").lower()
    octal = re.fullmatch(r"([-+]?)0([0-7]+)", digits)
    return int(f"{octal[1]}0o{octal[2]}" if octal else digits, 0)


GoLoader.add_constructor(f"{TAG}bool", _truth)
GoLoader.add_constructor(f"{TAG}int", _whole)


def merged(node: yaml.MappingNode) -> Pairs:
    """The pairs of a mapping, and those that `<<` brings and that it does not have itself."""
    pairs: Pairs = [(key, value) for key, value in node.value if key.tag != MERGE]
    for key, value in node.value:
        if key.tag == MERGE:
            for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if not isinstance(source, yaml.MappingNode):
                    raise _error("what << brings must be a mapping", key)
                names = {own.value for own, _ in pairs}
                pairs += [pair for pair in merged(source) if pair[0].value not in names]
    return pairs


def check_size(node: yaml.Node | None) -> None:
    """Raises YAMLError for a file whose aliases of aliases would fill the memory."""
    if node is not None and _size(node, {}) > LARGEST:
        raise _error(f"its aliases stand for more than {LARGEST} values", node)


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) not in known:
        inner = [one for pair in node.value for one in (pair if isinstance(pair, tuple) else (pair,))]
        known[id(node)] = 1 + sum(_size(one, known) for one in inner)
    return known[id(node)]


def _error(problem: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


class GoDumper(yaml.SafeDumper):
    """Writes text so that Go and Python both read it back as text, without anchors."""

    yaml_implicit_resolvers: dict[str, Any] = {  # noqa: RUF012 — PyYAML's own way
        first: list(patterns) for first, patterns in yaml.SafeDumper.yaml_implicit_resolvers.items()
    }

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


GoDumper.add_multi_representer(dict, yaml.SafeDumper.represent_dict)
for _tag, _pattern in GO_SCALARS:
    GoDumper.add_implicit_resolver(TAG + _tag, re.compile(rf"^(?:{_pattern})$"), None)


class BlockDumper(GoDumper):
    """Writes text of several lines line by line."""


def _lines(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(f"{TAG}str", text, style="|" if "\n" in text else None)


BlockDumper.add_representer(str, _lines)


def dump(value: Any, *, blocks: bool = False) -> str:
    """Block style, in the order of the value; with BLOCKS also text of several lines, for people to read."""
    dumper = BlockDumper if blocks else GoDumper
    return yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True, width=100)
