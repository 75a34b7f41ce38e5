"""`deepwhisk train` and `trainings` against the answers of the package `training`."""

import json
import signal
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from deepwhisk.cli.watching import view
from fixtures.machine import TOOL, run, until
from fixtures.whisk_player import AUTH, WhiskPlayer

ONE, TWO = "3f2a" + "0" * 28, "3f2b" + "0" * 28
TRAIN = {
    "paths": {"/v2/models/digits/train/": {}},
    "components": {
        "schemas": {
            "TrainArguments": {
                "properties": {
                    "epochs": {"type": "integer", "minimum": 1, "maximum": 100},
                    "rate": {"type": "number"},
                    "images": {"anyOf": [{"type": "string"}, {"properties": {"$bytes": {}}}]},
                },
                "required": ["images"],
            }
        }
    },
}


def look(player: WhiskPlayer, *arguments: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
    done = run(*arguments, "--apihost", player.url, "--auth", AUTH)
    assert done.returncode == code, done.stderr
    return done


def accept(player: WhiskPlayer, args: dict[str, Any]) -> dict[str, Any]:
    uuid = f"{len(player.trainings):032x}"
    return player.add(uuid, arguments=args["arguments"], sweep=args.get("sweep"), state="queued")


def submits(player: WhiskPlayer) -> list[dict[str, Any]]:
    return [args for name, args in player.asked if name == "training/submit"]


@pytest.fixture
def player(whisk_player: WhiskPlayer) -> WhiskPlayer:
    whisk_player.actions["training/submit"] = lambda args: accept(whisk_player, args)
    return whisk_player


def test_a_training_is_asked_for_with_all_that_was_said(player: WhiskPlayer, tmp_path: Path) -> None:
    (tmp_path / "photos.zip").write_bytes(b"PK" * 300_000)
    said = ["-i", "epochs=20", "-i", f"images=@{tmp_path / 'photos.zip'}", "--data", "s3://data/of/mine/"]
    said += ["--site", "cluster", "--cpus", "4", "--memory", "8G", "--gpus", "1", "--gpu-required"]
    said += ["--time", "2h", "--partition", "long", "--account", "us"]
    said += ["--promote", "when accuracy >= current"]
    done = look(player, "train", "digits", *said)

    [request] = submits(player)
    assert request.pop("files")["images"]["$object"]["filename"] == "photos.zip"
    assert request == {
        "model": "digits",
        "arguments": {"epochs": "20"},
        "data": "s3://data/of/mine/",
        "site": "cluster",
        "promote": "when accuracy >= current",
        "via": "cli",
        "resources": {
            "cpus": 4,
            "memory_MB": 8192,
            "gpus": 1,
            "gpu_required": True,
            "time": 7200,
            "partition": "long",
            "account": "us",
        },
    }
    assert player.uploads == {"0-photos.zip": b"PK" * 300_000}
    assert done.stdout == f"{0:032x}\n"
    assert "trainings follow 00000000" in done.stderr


def test_a_sweep_is_one_training_for_each_combination(player: WhiskPlayer) -> None:
    done = look(player, "train", "digits", "--sweep", "rate=0.1,0.01", "--sweep", "seed=1..3", "--json")

    requests = submits(player)
    assert [each["arguments"] for each in requests] == [
        {"rate": rate, "seed": seed} for rate in (0.1, 0.01) for seed in (1, 2, 3)
    ]
    assert len({each["sweep"]["id"] for each in requests}) == 1
    assert [each["sweep"]["index"] for each in requests] == list(range(6))
    assert {each["sweep"]["of"] for each in requests} == {6}
    assert len(json.loads(done.stdout)) == 6


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (["-i", "epochs=many", "-i", "images=@FILE"], "epochs is a whole number, not 'many'"),
        (["-i", "epochs=1000", "-i", "images=@FILE"], "epochs is at most 100"),
        (
            ["-i", "epoch=3", "-i", "images=@FILE"],
            "there is no argument epoch (there are epochs, rate, images)",
        ),
        (["-i", "rate=fast", "-i", "images=@FILE"], "rate is a number"),
        (["-i", "epochs=3"], "-i images=@FILE is missing"),
        (["-i", "images=@FILE", "--sweep", "rate=1,x"], "rate is a number, not 'x'"),
        (["-i", "images=@FILE", "-i", "rate=1", "--sweep", "rate=1,2"], "by -i and by --sweep"),
        (["-i", "images=@nowhere.zip"], "There is no file nowhere.zip"),
        (["-i", "images"], "is not KEY=VALUE"),
        (["--data", "datasets"], "is not s3://BUCKET/KEY"),
        (["--memory", "lots"], "is no amount of memory"),
        (["--time", "soon"], "is no time"),
        (["--sweep", "seed=4..1"], "has no values"),
        (["--sweep", "a=1..100", "--sweep", "b=1..100"], "more than 1000 trainings"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_sent(
    player: WhiskPlayer, tmp_path: Path, said: list[str], why: str
) -> None:
    player.openapi = TRAIN
    (tmp_path / "file.zip").write_bytes(b"PK")
    words = [word.replace("FILE", str(tmp_path / "file.zip")) for word in said]
    done = look(player, "train", "digits", *words, code=2)

    assert why in " ".join(done.stderr.split())
    assert not submits(player)
    assert not player.uploads


def test_data_fill_the_file_that_is_not_given(player: WhiskPlayer) -> None:
    player.openapi = TRAIN
    look(player, "train", "digits", "--data", "s3://datasets/digits.zip")

    assert submits(player)[0]["data"] == "s3://datasets/digits.zip"


def test_a_model_without_train_is_said(player: WhiskPlayer) -> None:
    player.openapi = {"paths": {}}

    assert "has no `train`" in look(player, "train", "digits", code=2).stderr


def test_what_an_action_refuses_is_printed_as_it_is(player: WhiskPlayer) -> None:
    player.actions["training/submit"] = lambda _args: {"error": "No site has 9 GPUs; cluster has 4."}

    assert look(player, "train", "digits", code=1).stderr == "Error: No site has 9 GPUs; cluster has 4.\n"


def test_an_endpoint_without_trainings_is_said(whisk_player: WhiskPlayer) -> None:
    del whisk_player.actions["training/list"]

    assert "There is no package training" in look(whisk_player, "trainings", code=1).stderr


def test_the_list_shows_state_progress_and_metrics(player: WhiskPlayer) -> None:
    player.add(ONE, node="n1", site="cluster", epochs=20, metrics={"epoch": 5, "accuracy": 0.91})
    player.add(TWO, state="error", model="plankton")
    shown = look(player, "trainings").stdout.splitlines()

    assert shown[0].split()[:6] == ["training", "model", "state", "site", "node", "progress"]
    assert shown[1].split()[:3] == ["3f2b0000", "plankton", "error"]
    assert shown[2].split() == ["3f2a0000", "digits", "running", "cluster", "n1", "5/20", "accuracy", "0.91"]
    [only] = json.loads(look(player, "trainings", "list", "--only", "error", "--json").stdout)
    assert only["uuid"] == TWO


def test_the_beginning_of_a_uuid_is_enough_when_it_is_one(player: WhiskPlayer) -> None:
    player.add(ONE, history=[{"state": "queued", "at": "2026-11-22T09:00:00+00:00"}])
    player.add(TWO)

    assert json.loads(look(player, "trainings", "show", "3f2a", "--json").stdout)["uuid"] == ONE
    assert "queued" in look(player, "trainings", "show", "3f2a").stdout
    assert "No training begins with 3f2c" in look(player, "trainings", "show", "3f2c", code=2).stderr
    player.add("3f2a" + "1" * 28)
    assert "2 trainings begin with 3f2a" in look(player, "trainings", "show", "3f2a", code=2).stderr
    assert "is no training" in look(player, "trainings", "show", "x", code=2).stderr


def test_following_in_a_pipe_prints_a_line_for_each_news(player: WhiskPlayer) -> None:
    player.add(ONE, state="running", node="n1", site="cluster", handle="4711")
    player.lines[ONE] = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}]

    def show(_args: dict[str, Any]) -> dict[str, Any]:
        shows = [name for name, _ in player.asked].count("training/show")
        player.trainings[ONE]["state"] = "running" if shows < 2 else "done"
        return player.trainings[ONE]

    def metrics(args: dict[str, Any]) -> dict[str, Any]:
        asked = [name for name, _ in player.asked].count("training/metrics")
        state = "running" if asked < 3 else "done"
        return {"metrics": player.lines[ONE][args["from"] : asked], "next": asked, "state": state}

    player.actions |= {"training/show": show, "training/metrics": metrics}
    lines = look(player, "trainings", "follow", ONE).stdout.splitlines()

    assert lines == [
        "3f2a0000  running on n1 (site cluster, handle 4711)",
        "3f2a0000  epoch 1  loss 0.5",
        "3f2a0000  epoch 2  loss 0.25",
        "3f2a0000  done on n1 (site cluster, handle 4711)",
    ]


@pytest.mark.parametrize("state", ["error", "refused", "lost", "cancelled"])
def test_following_what_fails_ends_with_1(player: WhiskPlayer, state: str) -> None:
    player.add(ONE, state=state, reason="the data ended")

    assert f"{state}: the data ended" in look(player, "trainings", "follow", ONE, code=1).stdout


def test_following_as_json_prints_objects(player: WhiskPlayer) -> None:
    player.add(ONE, state="done")
    player.lines[ONE] = [{"epoch": 1, "loss": 0.5}]
    lines = look(player, "trainings", "follow", ONE, "--json").stdout.splitlines()

    assert [json.loads(line).keys() for line in lines] == [{"training"}, {"metrics"}]


def test_ctrl_c_ends_the_looking_and_says_so(player: WhiskPlayer) -> None:
    player.add(ONE)
    command = [str(TOOL), "trainings", "follow", ONE, "--apihost", player.url, "--auth", AUTH]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as following:
        assert until(lambda: "training/metrics" in [name for name, _ in player.asked], 60)
        following.send_signal(signal.SIGINT)
        _, said = following.communicate(timeout=60)

    assert following.returncode == 130
    assert "The training goes on." in said
    assert "trainings cancel 3f2a0000" in said
    assert player.trainings[ONE]["state"] == "running"


def test_the_log_is_followed_to_its_end(player: WhiskPlayer) -> None:
    player.add(ONE)
    text = "epoch 1\nepoch 2\n"

    def log(args: dict[str, Any]) -> dict[str, Any]:
        asked = [name for name, _ in player.asked].count("training/log")
        state, end = ("done", len(text)) if asked > 2 else ("running", 8)
        return {"log": text[args["offset"] : end], "next": end, "state": state}

    player.actions["training/log"] = log
    assert look(player, "trainings", "log", "3f2a", "--follow").stdout == text


def test_metrics_are_lines_json_or_a_plot(player: WhiskPlayer) -> None:
    player.add(ONE)
    player.lines[ONE] = [{"epoch": n, "loss": 1 / n} for n in range(1, 6)]

    assert look(player, "trainings", "metrics", ONE).stdout.splitlines()[1] == "epoch 2  loss 0.5"
    assert json.loads(look(player, "trainings", "metrics", ONE, "--json").stdout) == player.lines[ONE]
    drawn = look(player, "trainings", "metrics", ONE, "--plot", "loss").stdout.splitlines()
    assert drawn[0].startswith("  1 │█")
    assert drawn[-1].startswith("0.2 │███▅▁")
    assert "there are: loss" in look(player, "trainings", "metrics", ONE, "--plot", "x", code=2).stderr


def test_a_comparison_shows_what_differs_and_marks_the_best(player: WhiskPlayer) -> None:
    sweep = {"id": "5" * 32, "index": 0, "of": 2}
    player.add(ONE, state="done", arguments={"rate": 0.1, "epochs": 3}, metrics={"loss": 0.4}, sweep=sweep)
    player.add(TWO, state="done", arguments={"rate": 0.01, "epochs": 3}, metrics={"loss": 0.2}, sweep=sweep)
    lines = look(player, "trainings", "compare", "--sweep", "5555").stdout.splitlines()

    assert lines[0].split() == ["training", "model", "state", "rate", "epoch", "loss", "↓"]
    assert lines[1].split() == ["★", "3f2b0000", "digits", "done", "0.01", "0.2"]
    assert lines[2].split() == ["3f2a0000", "digits", "done", "0.1", "0.4"]
    by_rate = look(player, "trainings", "compare", ONE, TWO, "--by", "rate", "--json").stdout
    assert [each["uuid"] for each in json.loads(by_rate)["trainings"]] == [TWO, ONE]
    assert (
        "There is no speed" in look(player, "trainings", "compare", ONE, TWO, "--by", "speed", code=2).stderr
    )
    assert "Say which" in look(player, "trainings", "compare", code=2).stderr


def test_verbs_name_the_training_that_they_mean(player: WhiskPlayer) -> None:
    player.add(ONE)
    answers: dict[str, Any] = {
        "cancel": {"uuid": ONE, "state": "running"},
        "rerun": {"uuid": TWO, "state": "queued"},
        "delete": {"deleted": ONE},
        "promote": {"version": 2, "training": ONE},
    }
    for verb, answer in answers.items():
        player.actions[f"training/{verb}"] = lambda _args, answer=answer: answer

    assert "3f2a0000 is being cancelled." in look(player, "trainings", "cancel", "3f2a").stderr
    assert look(player, "trainings", "rerun", "3f2a").stdout == f"{TWO}\n"
    assert "is deleted" in look(player, "trainings", "delete", "3f2a").stderr
    promoted = look(player, "promote", "3f2a", "--force")
    assert (promoted.stdout, promoted.stderr) == ("2\n", "Version 2 serves, of training 3f2a0000.\n")
    assert player.asked[-1] == ("training/promote", {"uuid": ONE, "force": True})


def test_versions_and_rollback(player: WhiskPlayer) -> None:
    history = [
        {"version": n, "training": ONE, "at": "2026-11-22T09:00:00Z", "why": "promoted"} for n in (1, 2)
    ]
    player.actions["training/versions"] = lambda _args: {"serving": 2, "versions": history}
    player.actions["training/rollback"] = lambda args: {"version": args.get("version", 1), "training": None}

    lines = look(player, "trainings", "versions", "digits").stdout.splitlines()
    assert lines[1].split()[:2] == ["serves", "2"]
    assert look(player, "rollback", "digits").stdout == "1\n"
    assert look(player, "rollback", "digits", "0").stdout == "0\n"


def test_sites_show_what_is_free(player: WhiskPlayer) -> None:
    offer = {"cpus": 8, "memory": 16384, "gpus": 2, "time": 90_000, "partitions": ["gpu"], "free_cpus": 3}
    there = {
        "name": "cluster",
        "runner": "slurm:",
        "reachable": True,
        "offer": offer,
        "waiting": 4,
        "running": 1,
    }
    away = {"name": "far", "runner": "slurm+ssh://x", "reachable": False, "reason": "no route", "offer": None}
    player.actions["training/sites"] = lambda _args: {"sites": [there, away]}
    shown = look(player, "sites").stdout

    assert "3 of 8" in shown
    assert "1 d 1:00" in shown
    assert "far: no route" in shown


def test_a_sweep_is_followed_as_a_table(player: WhiskPlayer) -> None:
    listed = player.actions["training/list"]

    def ending(args: dict[str, Any]) -> Any:
        answer = listed(args)
        if [name for name, _ in player.asked].count("training/list") > 1:
            for one in player.trainings.values():
                one["state"] = "done"
        return answer

    player.actions["training/list"] = ending
    done = look(player, "train", "digits", "--sweep", "rate=1,2", "--follow")

    assert "2 queued" in done.stdout
    assert "2 done" in done.stdout
    assert sum("digits" in line for line in done.stdout.splitlines()) == 2


def test_the_live_view_shows_where_it_is_and_how_it_goes() -> None:
    training = {
        "uuid": ONE,
        "model": "digits",
        "state": "running",
        "node": "n1",
        "site": "cluster",
        "epochs": 20,
    }
    training |= {"promote": "when validation_accuracy >= current"}
    lines = [
        {"epoch": n, "loss": 1 / n, "accuracy": n / 20, "validation_accuracy": n / 25} for n in range(1, 11)
    ]
    console = Console(width=100, file=StringIO(), color_system=None)
    console.print(view(training, lines))
    shown = console.file.getvalue()  # type: ignore[attr-defined]

    assert "running on n1 (site cluster)" in shown
    assert "epoch 10 of 20 ██████████··········" in shown
    assert "loss                       0.1  █" in shown
    assert "\nvalidation_accuracy\n 0.4 │" in shown
