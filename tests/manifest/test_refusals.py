"""What a manifest cannot say: told before any call, with file, line and key."""

import pytest

from deepwhisk.errors import ManifestError
from deepwhisk.manifest import Environ, Manifest, Source, parse
from fixtures.files import Files

CODE = "def main(args):\n    return args\n"
KINDS = {"python": "python:3.11", "nodejs": "nodejs:20"}


def parsed(text: str, files: Files, strict: bool = False, **texts: str) -> Manifest:
    folder = files(**{"a.py": CODE, "a.js": "", "a.go": "", "z.zip": "", **texts})
    return parse(text, Source("m.yaml", folder, Environ(), KINDS, frozenset(KINDS.values()), strict=strict))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("package: {name: p}", "m.yaml:1: a manifest has no key 'package'; write `packages:`"),
        ("application: {}", "m.yaml:1: a manifest has no key 'application'; it is called `project` today"),
        (
            "packages:\n  p:\n    parameters: {}",
            "m.yaml:3: a package has no key 'parameters'; they are called",
        ),
        (
            "packages:\n  p:\n    rules:\n      r: {trigger: t, runtime: x}",
            "m.yaml:4: a rule has no key 'runtime'",
        ),
        (
            "packages:\n  p:\n    actions:\n      a: {function: gone.py}",
            "m.yaml:4: action p/a: there is no file",
        ),
        (
            "packages:\n  p:\n    actions:\n      a: {function: a.go}",
            "m.yaml:4: action p/a: a.go is go, for which",
        ),
        ("packages:\n  p:\n    actions:\n      a: {function: z.zip}", "m.yaml:4: .*z.zip needs a runtime"),
        (
            "packages:\n  p:\n    actions:\n      a: {function: z.zip, runtime: 'java:8'}",
            "m.yaml:4: action p/a: the server has no runtime java:8; it has: nodejs:20, python:3.11",
        ),
        ("packages: {p: {actions: {a: {code: x, runtime: 'php:7'}}}}", "no runtime php:7"),
        ("packages: {p: {actions: {a: {docker: $NONE}}}}", r"action p/a: its docker \$NONE is empty"),
        ("packages: {p: {actions: {a: {function: 'https://x.org/a'}}}}", "needs an extension"),
        (
            "packages: {p: {actions: {a: {function: d, runtime: python, include: [[gone]]}}}}",
            "action p/a: there is no file or folder .*gone to include",
        ),
        ("packages: {p: {triggers: {' t': }}}", "m.yaml:1: ' t' cannot name one of triggers"),
        ("packages: {a/b: }", "m.yaml:1: 'a/b' cannot name a package"),
        (
            "packages:\n  p:\n    triggers: {t: }\n  q:\n    triggers:\n      t: {inputs: {a: 1}}",
            r"m.yaml:6: 't' is the name of two things: trigger \(line 3\) and trigger",
        ),
        (
            "packages:\n  p:\n    actions: {a: {function: a.py}}\n    sequences:\n      a: {actions: a}",
            r"m.yaml:5: 'p/a' is the name of two things: action \(line 3\) and sequence",
        ),
        ("packages:\n  p:\n    sequences:\n      s: {actions: x}", "m.yaml:4: the sequence p/s names p/x"),
        ("packages: {p: {dependencies: {d: {location: nowhere}}}}", "is no package .* no folder here"),
        (
            "packages: {p: {dependencies: {d: {location: /a/b/c}}}}",
            "m.yaml:1: dependencies.d: '/a/b/c' names no",
        ),
        ("packages: {p: {dependencies: {d: {location: d}}}}", "'d' has no manifest.yaml"),
        ("project: {config: gone.json}", "m.yaml:1: project.config: gone.json cannot be read"),
        ("project: {config: a.py}", "a.py (is neither JSON nor YAML|describes no routes)"),
    ],
)
def test_it_is_refused_with_its_line(text: str, sentence: str, files: Files) -> None:
    with pytest.raises(ManifestError, match=sentence):
        parsed(text, files, d__x="")


def routed(apis: str, action: str = "web: true") -> str:
    return f"packages:\n  p:\n    actions:\n      a: {{function: a.py, {action}}}\n    apis: {apis}\n"


@pytest.mark.parametrize(
    ("apis", "sentence"),
    [
        (
            "{t: {b: {c: {a: {method: patch}}}}}",
            "m.yaml:5: the route t: the method of /b/c is 'patch'; it is one of",
        ),
        ("{t: {b: {c: {a: {}}}}}", "the method of /b/c is ''"),
        ("{t: {'b{x}': {c: {a: {method: get}}}}}", "the base path /b{x} has a parameter"),
        (
            "{t: {b: {'c/{x}': {a: {method: get, response: json}}}}}",
            "only an action of the response http is told",
        ),
        ("{t: {b: {c: {a: {method: get, response: xml}}}}}", "the response of /b/c is 'xml'"),
        ("{t: {b: {c: {x: {method: get}}}}}", "its action p/x is none of the package"),
        (
            "{t: {b: {c: {a: {method: get}}}}, u: {/b: {/c: {a: {method: GET}}}}}",
            "get /b/c is both p/a and p/a",
        ),
        ("{t: {b: {c: {a: get}}}}", "m.yaml:5: packages.p.apis.t.b.c.a must be a mapping"),
    ],
)
def test_a_route_that_no_gateway_takes_is_refused(apis: str, sentence: str, files: Files) -> None:
    with pytest.raises(ManifestError, match=sentence):
        parsed(routed(apis), files)


def test_a_route_to_an_action_that_says_it_is_not_on_the_web_is_refused(files: Files) -> None:
    apis = "{t: {b: {c: {a: {method: get}}}}}"
    with pytest.raises(ManifestError, match="p/a is not a web action; give it `web: true`"):
        parsed(routed(apis, "web: false"), files)


def test_strictly_nothing_is_mended(files: Files) -> None:
    apis = "{t: {b: {c: {a: {method: get}}}}}"
    with pytest.raises(ManifestError, match="not a web action"):
        parsed(routed(apis, "main: main"), files, strict=True)
    found = parsed("packages: {p: {actions: {a: {function: a.py, runtime: 'python:2'}}}}", files, strict=True)
    assert found.entities[-1].body["exec"]["kind"] == "python:2"
    assert found.warnings == ()


@pytest.mark.parametrize("value", ["''", "-1", "0", "9007199254740991", "<nil>", "", "1.5", "[a]"])
def test_a_key_that_no_caller_could_send_is_refused(value: str, files: Files) -> None:
    action = f"web: true, annotations: {{require-whisk-auth: {value}}}"
    with pytest.raises(ManifestError, match="require-whisk-auth is"):
        parsed(f"packages: {{p: {{actions: {{a: {{function: a.py, {action}}}}}}}}}", files)


def test_what_two_packages_say_alike_is_said_once(files: Files) -> None:
    same = "{triggers: {t: {inputs: {a: 1}}}, dependencies: {u: {location: /whisk.system/utils}}}"
    found = parsed(f"packages: {{p: {same}, q: {same}}}", files)
    assert [entity.name for entity in found.entities] == ["p", "u", "q", "t"]


def test_packages_at_the_top_win_with_a_warning(files: Files) -> None:
    found = parsed("project: {name: x, packages: {a: {}}}\npackages: {b: {}}\n", files)
    assert [entity.name for entity in found.entities] == ["b"]
    assert found.warnings == (
        "m.yaml:1: project.packages: there are packages at the top too, and those alone are deployed.",
    )
