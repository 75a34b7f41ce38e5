"""YAML as Go's yaml.v2 reads it, which is what wskdeploy reads manifests with.

Bare `y` and `n` are booleans, `1e3` is a number, `1:30` is text. What is written here reads the same there.
"""

import re
from typing import Any

import yaml

TAG = "tag:yaml.org,2002:"


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


def dump(value: Any) -> str:
    """Block style, in the order of the value."""
    return yaml.dump(value, Dumper=GoDumper, sort_keys=False, allow_unicode=True, width=100)
