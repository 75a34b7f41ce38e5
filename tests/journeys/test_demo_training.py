"""`deepwhisk demo --training`: what `make demo-training` shows."""

import re

from fixtures.machine import run


def test_a_model_is_retrained_by_a_trigger_promoted_and_rolled_back() -> None:
    shown = run("demo", "--training")

    assert shown.returncode == 0, shown.stdout + shown.stderr
    accuracies = [float(each) for each in re.findall(r"epoch +\d+ .* ([\d.]+)% of what", shown.stdout)]
    assert accuracies[0] < 60
    assert accuracies[-1] >= 90
    assert "promoted: version 1" in shown.stdout
    answers = re.findall(r"tripos\.jpg → (\w+) ([\d.]+%)", shown.stdout)
    assert [label for label, _ in answers] == ["Tripos"] * 3
    assert answers[0] == answers[2] != answers[1]
