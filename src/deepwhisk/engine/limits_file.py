"""The file of `--limits FILE`: a profile, what is otherwise, and what single namespaces have instead.

Every error names file, line, key and value.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deepwhisk.engine.limit_tables import Policy
from deepwhisk.engine.limit_terms import SEQUENCE_LENGTH, TERMS, Term, Terms, apply_terms, check
from deepwhisk.engine.limits import Limits
from deepwhisk.engine.names import is_name
from deepwhisk.errors import ManifestError, SettingsError
from deepwhisk.grammar import TEXT, VALUE, Each, Keys, line, read

PROFILES = {"machine": Limits.machine, "openwhisk": Limits.openwhisk}
_OWN = {**TERMS, "sequenceLength": SEQUENCE_LENGTH}
_NAMESPACE = Keys("a namespace", dict.fromkeys(TERMS, VALUE))
_FILE = Keys(
    "a file of limits",
    {"profile": TEXT, "namespaces": Each(_NAMESPACE), **dict.fromkeys(_OWN, VALUE)},
)


def read_policy(text: str, file: str) -> Policy:
    """What TEXT says. Raises SettingsError."""
    try:
        said = read(text, file, _FILE)
    except ManifestError as error:
        raise SettingsError(str(error)) from error
    base = _applied(_profile(said, file), said, file, file)
    namespaces = {
        name: _namespace(said["namespaces"], name, base, file) for name in said.get("namespaces", {})
    }
    return Policy(base, namespaces)


def _profile(said: Mapping[str, Any], file: str) -> Limits:
    name = said.get("profile", "machine")
    if name not in PROFILES:
        known = " or ".join(PROFILES)
        raise SettingsError(f"{file}:{line(said, 'profile')}: profile must be {known}, not {name!r}.")
    return PROFILES[name]()


def _namespace(said: Mapping[str, Any], name: str, base: Limits, file: str) -> Terms:
    where = f"{file}:{line(said, name)}"
    if not is_name(name):
        raise SettingsError(f"{where}: {name!r} cannot be the name of a namespace.")
    _applied(base, said[name], file, where)
    return dict(said[name])


def _applied(base: Limits, said: Mapping[str, Any], file: str, where: str) -> Limits:
    """BASE with what SAID has instead; WHERE is blamed for what does not go together."""
    terms = {name: _checked(_OWN[name], said, name, file) for name in said if name in _OWN}
    length = terms.pop("sequenceLength", base.sequence_length)
    limits = replace(apply_terms(base, terms), sequence_length=length)
    try:
        check(limits)
    except ValueError as error:
        raise SettingsError(f"{where}: {error}.") from error
    return limits


def _checked(term: Term, said: Mapping[str, Any], name: str, file: str) -> Any:
    try:
        term.read(said[name])
    except ValueError as error:
        raise SettingsError(f"{file}:{line(said, name)}: {name} {error}.") from error
    return said[name]
