"""Metrics and logs as their followers read them."""

from deepwhisk.batch import reading
from deepwhisk.batch.reading import Stream, metric_lines
from fixtures.trainings import Office

CUT = b"head\n[... 100 bytes are left out here ...]\ntail"


def read_all(said: bytes) -> tuple[str, int]:
    stream, place, text = Stream.of(said), 0, ""
    while place < stream.length:
        part, place = stream.read(place)
        text += part
    return text, place


def test_a_log_is_read_as_it_is() -> None:
    assert read_all(b"one\ntwo\n") == ("one\ntwo\n", 8)


def test_what_was_left_out_of_a_log_is_told_where_it_was_and_counts() -> None:
    text, place = read_all(CUT)

    assert text == CUT.decode()
    assert place == 4 + 100 + 4
    assert Stream.of(CUT).read(50) == ("\n[... 100 bytes are left out here ...]\ntail", 108)
    assert Stream.of(CUT).read(104) == ("tail", 108)


def test_no_character_is_cut_in_two(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(reading, "BYTES", 5)

    text, _ = read_all("grüße 😀 漢字".encode())

    assert text == "grüße 😀 漢字"


def test_bytes_that_are_no_text_are_read_all_the_same() -> None:
    assert read_all(b"\xff\xfe\x80")[1] == 3


def test_a_line_that_is_no_json_stands_as_it_is_and_the_others_too() -> None:
    assert metric_lines(b'{"a": 1}\n\nnonsense\n{"a": 2}') == [{"a": 1}, {"value": "nonsense"}, {"a": 2}]
    assert metric_lines(None) == []


def test_many_lines_come_in_parts(office: Office, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(reading, "LINES", 4)
    training = office.accepted()
    office.writes(training, "metrics.jsonl", b"".join(b'{"n": %d}\n' % number for number in range(10)))

    found, place = [], 0
    for _ in range(4):
        said = office.desk.metrics(training.uuid, place)
        found += [line["n"] for line in said["metrics"]]
        place = said["next"]

    assert (found, place) == (list(range(10)), 10)
    assert office.desk.metrics(training.uuid, 99)["next"] == 99
