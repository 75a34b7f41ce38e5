"""wskdeploy's grammar, and YAML as Go reads it."""

from typing import Any

import pytest

from deepwhisk.errors import ManifestError
from deepwhisk.goyaml import dump
from deepwhisk.grammar import MANIFEST, VALUE, Each, read


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("packages:\n  p:\n    actoins: {}\n", r":3: a package has no key 'actoins'"),
        ("packages: {}\npackages: {}\n", r":2: the key 'packages' is written twice"),
        ("packages:\n  p: 3\n", r":2: packages.p must be a mapping, not '3'"),
        ("packages:\n  p: {public: maybe}\n", r":2: packages.p.public must be true or false"),
        ("package: {}\n", r":1: a manifest has no key 'package'"),
        ("- p\n", r":1: a manifest must be a mapping, not a list"),
        ("packages: [\n", r":2: this is not YAML"),
        ("packages: {p: {inputs: {a: {~: 1}}}}\n", r":1: a key of packages.p.inputs.a must be text"),
        ("packages: {p: {inputs: {a: {n: 1}}}}\n", r":1: quote the key 'n' of packages.p.inputs.a"),
        ("packages: {p: {inputs: {a: .nan}}}\n", r":1: packages.p.inputs.a is .nan"),
        ("packages: {<<: 3}\n", r":1: this is not YAML: what << brings must be a mapping"),
        (
            "packages: {p: &p {inputs: {a: 1}}, q: {<<: *p, inputs: {}, inputs: {}}}",
            r"'inputs' is written twice",
        ),
        ("packages: {p: {actions: {a: {limits: {timeout: 1s}}}}}\n", r"timeout must be a whole number"),
        ("\0", r": this is not YAML"),
        ("[" * 3000, r"nested too deeply"),
    ],
)
def test_what_it_does_not_allow_is_told_with_file_and_line(text: str, sentence: str) -> None:
    with pytest.raises(ManifestError, match=rf"^manifest.yaml.*{sentence}"):
        read(text, "manifest.yaml", MANIFEST)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *(("y", True), ("No", False), ("1e3", 1000.0), ("1:30", "1:30"), ("010", 8), ("0x1f", 31)),
        *(("1_000", 1000), ("~", None), ("'n'", "n"), (".5", 0.5), ("-7", -7), ("v1", "v1")),
        *(("2026-01-01", "2026-01-01"), ("1_000.5", 1000.5), ("08", 8.0), ("1e", "1e"), ("=", "=")),
        ("{1: a, 'n': b}", {"1": "a", "n": "b"}),
    ],
)
def test_scalars_are_read_as_go_reads_them(written: str, value: Any) -> None:
    assert read(f"a: {written}", "a.yaml", Each(VALUE)) == {"a": value}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("{a: &a {x: 1}, b: {<<: *a, z: 2}}", {"x": 1, "z": 2}),
        ("{a: &a {x: 1}, b: {x: 2, <<: *a}}", {"x": 2}),
        ("{a: &a {x: 1}, c: &c {x: 3, z: 4}, b: {<<: [*a, *c]}}", {"x": 1, "z": 4}),
        ("{a: &a [1], b: *a}", [1]),
    ],
)
def test_aliases_and_merges_are_read(written: str, value: Any) -> None:
    assert read(written, "a.yaml", Each(VALUE))["b"] == value


def test_aliases_that_stand_for_too_much_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ManifestError, match=r"a.yaml:\d+: .*its aliases stand for more than 1000000 values"):
        read("\n".join(lines), "a.yaml", Each(VALUE))


def test_keys_and_texts_keep_what_is_written() -> None:
    found = read("packages: {n: {version: 1.0, name: no}}", "a.yaml", MANIFEST)
    assert found == {"packages": {"n": {"version": "1.0", "name": "no"}}}


@pytest.mark.parametrize(
    "text", ["n", "yes", "1.0", "1e3", "1:30", "2026-01-01", "~", "", "a: b", "# no", "<<", " a", "ä 漢"]
)
def test_what_is_written_is_read_back_as_text(text: str) -> None:
    assert read(dump({text or "key": text}), "a.yaml", Each(VALUE)) == {text or "key": text}
