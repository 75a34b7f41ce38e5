"""The file of `--limits FILE`: what it may say, and how it is told what it may not."""

import pytest

from deepwhisk.engine import Limits, read_policy
from deepwhisk.engine.limit_terms import apply_terms
from deepwhisk.errors import SettingsError

FILE = """profile: openwhisk
invocationsPerMinute: 120
maxPayloadSize: 2 MB
sequenceLength: 7
namespaces:
  ada:
    concurrentInvocations: 5
    allowedKinds: [python:3, SEQUENCE]
    storeActivations: false
  whisk.system: {maxActionTimeout: 3600000}
"""


def test_a_file_changes_a_profile_and_single_namespaces() -> None:
    policy = read_policy(FILE, "limits.yaml")
    ada = apply_terms(policy.base, policy.namespaces["ada"])

    assert policy.base.max_timeout == Limits.openwhisk().max_timeout
    assert (policy.base.invocations_per_minute, policy.base.fires_per_minute) == (120, 100_000)
    assert (policy.base.max_payload, policy.base.sequence_length) == (2 << 20, 7)
    assert (ada.concurrent_invocations, ada.kinds, ada.stores) == (5, ("python:3", "sequence"), False)
    assert ada.invocations_per_minute == 120
    assert apply_terms(policy.base, policy.namespaces["whisk.system"]).max_timeout == 3_600_000


def test_an_empty_file_is_the_machines() -> None:
    assert read_policy("", "limits.yaml").base == Limits.machine()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("profile: cloud", "limits.yaml:1: profile must be machine or openwhisk, not 'cloud'."),
        (
            "profile: openwhisk\nfiresPerMinute: -1",
            "limits.yaml:2: firesPerMinute must be a whole number from 0 to 1000000000, not -1.",
        ),
        (
            "maxActionMemory: 1.5",
            "limits.yaml:1: maxActionMemory must be a whole number of MB from 1 to 1000000000, not 1.5.",
        ),
        (
            "maxParameterSize: 2 GB",
            "limits.yaml:1: maxParameterSize must be bytes or a text like '1 MB', up to 50 MB, not '2 GB'.",
        ),
        (
            "namespaces:\n  ada:\n    storeActivations: 7",
            "limits.yaml:3: storeActivations must be true or false, not 7.",
        ),
        (
            "namespaces:\n  ada:\n    allowedKinds: python:3",
            "limits.yaml:3: allowedKinds must be a list of kinds, as ['python:3', 'sequence'], not ",
        ),
        ("namespaces:\n  .ada: {}", "limits.yaml:2: '.ada' cannot be the name of a namespace."),
        (
            "minActionTimeout: 500\nmaxActionTimeout: 400",
            "limits.yaml: minActionTimeout is 500, and maxActionTimeout no more than 400.",
        ),
        (
            "namespaces:\n  ada:\n    maxActionMemory: 64",
            "limits.yaml:2: minActionMemory is 128, and maxActionMemory no more than 64.",
        ),
        ("namespaces:\n  ada: 7", "limits.yaml:2: namespaces.ada must be a mapping, not '7'."),
        ("firesPerMinute: 1\nfiresPerMinute: 2", "limits.yaml:2: the key 'firesPerMinute' is written twice"),
        ("sequenceLength: true", "limits.yaml:1: sequenceLength must be a whole number from 1 to 1000000000"),
        ("- a", "limits.yaml:1: a file of limits must be a mapping, not a list."),
        ("a: [", "limits.yaml:1: this is not YAML"),
    ],
)
def test_a_file_is_told_its_line_its_key_and_its_value(text: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_policy(text, "limits.yaml")

    assert str(caught.value).startswith(says)


@pytest.mark.parametrize("text", ["invocationPerMinute: 1", "namespaces:\n  ada:\n    sequenceLength: 3"])
def test_an_unknown_key_is_told_which_there_are(text: str) -> None:
    with pytest.raises(SettingsError, match=r"has no key '\w+'; it may have: .*invocationsPerMinute"):
        read_policy(text, "limits.yaml")
