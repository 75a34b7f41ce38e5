"""Batches: what makes one, what spoils one, and who is asked alone; then through the real programs."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from deepwhisk_runtime.batching import Batches, Turns, line_of
from deepwhisk_runtime.errors import Fault
from runtime.program import SENTINEL, Program, model
from runtime.served import Served, serving

PATIENCE = 60
DOUBLER = '''"""Doubles numbers, and remembers which it was asked together."""
import os, time
BATCHES = []
class Model:
    max_batch = 8
    def predict(self, n: int, hold: str = "") -> dict:
        BATCHES.append([n])
        return self.one(n, hold)
    def predict_batch(self, calls):
        BATCHES.append([call["n"] for call in calls])
        print("a batch of", len(calls))
        if any(call["n"] == 13 for call in calls): raise ValueError("unlucky")
        return [self.one(**call) if call["n"] != 7 else LookupError("seven") for call in calls]
    def one(self, n, hold):
        if hold: open(hold + ".at", "w").close()
        while hold and not os.path.exists(hold): time.sleep(0.01)
        if n == 13: raise ValueError("thirteen")
        return {"twice": 2 * n, "batches": list(BATCHES)}
'''


WHO = '''"""Tells which thread asks it."""
import threading
class Model:
    def predict(self, pad: str) -> str:
        return threading.current_thread().name
    def predict_batch(self, calls):
        return [threading.current_thread().name for _ in calls]
'''


class Model:
    """Answers when it is let; tells with how many at a time it was asked."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.sizes: list[int] = []
        self.at_once = 0

    def predict(self, n: int) -> int:
        return self.predict_batch([{"n": n}])[0]

    def predict_batch(self, calls: list[dict[str, Any]]) -> list[int]:
        self.at_once += 1
        assert self.at_once == 1
        self.sizes.append(len(calls))
        assert self.gate.wait(PATIENCE)
        self.at_once -= 1
        return [2 * call["n"] for call in calls]


def until(state: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE
    while not state():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(40) as pool:
        yield pool


def batches(model: Any, most: int = 32) -> Batches:
    return Batches(model.predict_batch, model.predict, most)


def test_a_model_at_rest_is_asked_at_once_and_alone() -> None:
    model = Model()
    model.gate.set()
    line = batches(model)

    assert [line.call({"n": n}) for n in range(5)] == [0, 2, 4, 6, 8]
    assert model.sizes == [1] * 5


def test_what_waits_while_a_batch_runs_makes_the_next(threads: ThreadPoolExecutor) -> None:
    model = Model()
    line = batches(model)
    answers = [threads.submit(line.call, {"n": 0})]
    until(lambda: model.sizes)
    answers += [threads.submit(line.call, {"n": n}) for n in range(1, 12)]
    until(lambda: len(line._line) == 11)
    model.gate.set()

    assert [each.result() for each in answers] == [2 * n for n in range(12)]
    assert model.sizes == [1, 11]


def test_no_batch_is_larger_than_the_model_allows(threads: ThreadPoolExecutor) -> None:
    model = Model()
    line = batches(model, 4)
    answers = [threads.submit(line.call, {"n": 0})]
    until(lambda: model.sizes)
    answers += [threads.submit(line.call, {"n": n}) for n in range(1, 11)]
    until(lambda: len(line._line) == 10)
    model.gate.set()

    assert [each.result() for each in answers] == [2 * n for n in range(11)]
    assert model.sizes == [1, 4, 4, 2]


def test_a_batch_waits_a_little_for_those_who_were_just_there(threads: ThreadPoolExecutor) -> None:
    model = Model()
    line = batches(model)
    model.gate.set()
    line._expected, line._took = 3, 10.0
    first = threads.submit(line.call, {"n": 1})
    second, third = (threads.submit(line.call, {"n": n}) for n in (2, 3))

    assert [first.result(), second.result(), third.result()] == [2, 4, 6]
    line._expected, line._took = 3, 10.0
    assert line.call({"n": 4}) == 8  # nobody else comes
    assert line._expected == 1


def test_a_call_that_spoils_a_batch_fails_alone(threads: ThreadPoolExecutor) -> None:
    class Picky(Model):
        def predict_batch(self, calls: list[dict[str, Any]]) -> list[int]:
            answers = super().predict_batch(calls)
            if 13 in (call["n"] for call in calls):
                raise ValueError("unlucky")
            return answers

    model = Picky()
    line = batches(model)
    answers = [threads.submit(line.call, {"n": 0})]
    until(lambda: model.sizes)
    answers += [threads.submit(line.call, {"n": n}) for n in (12, 13, 14)]
    until(lambda: len(line._line) == 3)
    model.gate.set()

    assert [answers[n].result() for n in (0, 1, 3)] == [0, 24, 28]
    fault = answers[2].exception()
    assert isinstance(fault, Fault)
    assert (fault.phase, fault.message) == ("predict", "predict raised ValueError: unlucky")
    assert model.sizes == [1, 3, 1, 1, 1]


def test_an_exception_among_the_answers_fails_its_call(threads: ThreadPoolExecutor) -> None:
    class Picky(Model):
        def predict_batch(self, calls: list[dict[str, Any]]) -> list[Any]:
            answers: list[Any] = super().predict_batch(calls)
            return [KeyError("odd") if answer == 2 else answer for answer in answers]

    model = Picky()
    line = batches(model)
    answers = [threads.submit(line.call, {"n": 0})]
    until(lambda: model.sizes)
    answers += [threads.submit(line.call, {"n": n}) for n in (1, 2)]
    until(lambda: len(line._line) == 2)
    model.gate.set()

    assert "KeyError" in str(answers[1].exception())
    assert answers[2].result() == 4


def test_answers_that_are_too_few_are_the_models_fault(threads: ThreadPoolExecutor) -> None:
    class Short(Model):
        def predict_batch(self, calls: list[dict[str, Any]]) -> list[int]:
            return super().predict_batch(calls)[:1]

    model = Short()
    line = batches(model)
    answers = [threads.submit(line.call, {"n": 0})]
    until(lambda: model.sizes)
    answers += [threads.submit(line.call, {"n": n}) for n in (1, 2)]
    until(lambda: len(line._line) == 2)
    model.gate.set()

    assert answers[0].result() == 0
    for each in answers[1:]:
        assert str(each.exception()) == "predict_batch gave 1 answers to 2 calls."


def test_a_call_whose_client_has_gone_drops_out(threads: ThreadPoolExecutor) -> None:
    model = Model()
    line = batches(model)
    left = threading.Event()
    first = threads.submit(line.call, {"n": 0})
    until(lambda: model.sizes)
    dropped = threads.submit(line.call, {"n": 1}, left.is_set)
    kept = [threads.submit(line.call, {"n": n}) for n in (2, 3)]
    until(lambda: len(line._line) == 3)
    left.set()
    model.gate.set()

    assert [each.result() for each in (first, *kept)] == [0, 4, 6]
    assert str(dropped.exception()) == "Nobody waits for the answer any more."
    assert model.sizes == [1, 2]


def test_a_model_that_is_asked_one_by_one_asks_for_no_batches() -> None:
    class Plain:
        def predict(self, n: int) -> int:
            return n

    line = line_of(Plain())
    assert isinstance(line, Turns)
    assert (line.most, line.call({"n": 3})) == (1, 3)
    with pytest.raises(Fault, match="Nobody waits"):
        line.call({"n": 3}, lambda: True)


@pytest.mark.parametrize("most", [0, "many", True])
def test_a_size_of_batches_that_is_none_is_refused(most: Any) -> None:
    refused = Model()
    refused.max_batch = most  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="max_batch a number from 1 on"):
        line_of(refused)


def beside(container: Program, values: list[dict[str, Any]]) -> list[Any]:
    """The results of calls that are all under way at the same time."""

    def ask(value: dict[str, Any]) -> Any:
        client = container.client()
        try:
            return container.post("/run", {"value": value, "activation_id": f"a{value['n']}"}, client)
        finally:
            client.close()

    with ThreadPoolExecutor(len(values)) as threads:
        return list(threads.map(ask, values))


def while_held(container: Program, gate: Path, values: list[dict[str, Any]]) -> list[Any]:
    """The results of calls that come while another one runs, which is let go once they are there."""
    with ExitStack() as stack, ThreadPoolExecutor(1) as threads:
        first = threads.submit(beside, container, [{"n": 0, "hold": str(gate)}])
        until(gate.with_name(gate.name + ".at").exists)
        clients = [stack.enter_context(closing(container.client())) for _ in values]
        for client, value in zip(clients, values, strict=True):
            client.request("POST", "/run", json.dumps({"value": value, "activation_id": f"a{value['n']}"}))
        gate.touch()
        return [first.result()[0][1], *(json.loads(client.getresponse().read()) for client in clients)]


def test_calls_that_come_while_a_container_works_are_answered_together(
    container: Program, tmp_path: Path
) -> None:
    assert container.init(model(DOUBLER))[0] == 200
    calls = 0
    for turn in range(PATIENCE):
        values = [{"n": n} for n in range(20, 26)]
        answers = while_held(container, tmp_path / f"gate{turn}", values)
        assert [answer["twice"] for answer in answers] == [0, *(2 * each["n"] for each in values)]
        calls += len(answers)
        if (largest := max(len(each) for each in answers[-1]["batches"])) > 1:
            break

    assert 1 < largest <= 6
    assert container.stdout.count(SENTINEL) == container.stderr.count(SENTINEL) == calls
    assert container.end() == 0


def test_a_poisoned_call_of_a_batch_is_told_its_own_activation(container: Program, tmp_path: Path) -> None:
    container.init(model(DOUBLER))
    answers = while_held(container, tmp_path / "gate", [{"n": n} for n in (5, 13, 6)])

    assert [result.get("twice") for result in answers] == [0, 10, None, 12]
    error = answers[2]["error"]
    assert (error["message"], error["activation"]) == ("predict raised ValueError: thirteen", "a13")


def test_calls_one_after_another_are_never_batched(container: Program) -> None:
    container.init(model(DOUBLER))
    for n in range(1, 6):
        container.result({"n": n})

    assert container.result({"n": 6})["batches"] == [[n] for n in range(1, 7)]
    assert "a batch" not in container.stdout


@pytest.mark.parametrize("size", [1, 200_000], ids=["at once", "in parts"])
def test_a_call_that_finds_a_container_at_rest_is_handed_to_no_other_thread(
    container: Program, size: int
) -> None:
    container.init(model(WHO))
    asked_by = {container.run({"pad": "x" * size})[1]["result"] for _ in range(5)}
    assert asked_by == {"MainThread"}


def test_a_caller_who_leaves_a_container_is_not_worked_for(container: Program, tmp_path: Path) -> None:
    container.init(model(DOUBLER))
    gate = tmp_path / "gate"
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(beside, container, [{"n": 0, "hold": str(gate)}])
        until((tmp_path / "gate.at").exists)
        for n in (30, 31):
            with closing(container.client()) as client:
                client.request("POST", "/run", json.dumps({"value": {"n": n}}))
        gate.touch()
        assert first.result()[0][0] == 200

    seen = container.result({"n": 1})["batches"]
    assert [n for each in seen for n in each] == [0, 1]


def test_a_container_ends_after_the_call_that_it_has(container: Program, tmp_path: Path) -> None:
    container.init(model(DOUBLER))
    gate = tmp_path / "gate"
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(beside, container, [{"n": 0, "hold": str(gate)}])
        until((tmp_path / "gate.at").exists)
        ended = threads.submit(container.end)
        gate.touch()
        assert first.result()[0][0] == 200
        assert ended.result() == 0


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    folder = tmp_path / "doubler"
    folder.mkdir()
    (folder / "model.py").write_text(DOUBLER)
    with serving("serve", str(folder), "--port", "0", cwd=tmp_path) as server:
        yield server


def test_a_model_served_alone_answers_together_what_comes_together(served: Served, tmp_path: Path) -> None:
    def largest(turn: int) -> int:
        gate = tmp_path / f"gate{turn}"
        with ThreadPoolExecutor(8) as threads:
            first = threads.submit(served.ask, "POST", "predict/", {"n": 0, "hold": str(gate)})
            until(gate.with_name(gate.name + ".at").exists)
            others = [threads.submit(served.ask, "POST", "predict/", {"n": n}) for n in (1, 2, 13, 3)]
            time.sleep(0.05 + turn / 50)  # gives them a chance, a better one each time
            gate.touch()
            replies = [first.result(), *(each.result() for each in others)]
        assert [reply.status for reply in replies] == [200, 200, 200, 500, 200]
        assert replies[3].json["error"]["message"] == "predict raised ValueError: thirteen"
        return max(map(len, replies[1].json["predictions"]["batches"]))

    assert any(largest(turn) > 1 for turn in range(PATIENCE))


def test_a_client_who_leaves_a_model_served_alone_is_not_worked_for(served: Served, tmp_path: Path) -> None:
    address = urlsplit(served.url)

    def dropped(turn: int) -> bool:
        gate, n, chance = tmp_path / f"gate{turn}", 100 + turn, 0.1 + turn / 50
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(served.ask, "POST", "predict/", {"n": 0, "hold": str(gate)})
            until(gate.with_name(gate.name + ".at").exists)
            with socket.create_connection((str(address.hostname), address.port or 0)) as client:
                body = json.dumps({"n": n}).encode()
                head = (
                    f"POST {address.path}predict/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                )
                client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                time.sleep(chance)
            time.sleep(chance)  # gives it a chance to be seen, a better one each time
            gate.touch()
            assert first.result().status == 200
        seen = served.ask("POST", "predict/", {"n": 50}).json["predictions"]["batches"]
        return all(n not in batch for batch in seen)

    assert any(dropped(turn) for turn in range(PATIENCE))
