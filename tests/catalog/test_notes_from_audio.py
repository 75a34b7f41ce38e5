"""The writer of notes through the shim: computed tones, silence, and files that are no sounds."""

import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parent.parent.parent / "catalog" / "notes-from-audio"
SCALE = FOLDER / "example" / "scale.ogg"
RATE = 22_050


@pytest.fixture(scope="module")
def listener(served: Callable[[str], Any]) -> Any:
    return served("notes-from-audio")


def score(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]


def tone(pitch: int, seconds: float, rate: int = RATE) -> np.ndarray:
    """A tone of six partials that fades."""
    time = np.arange(int(seconds * rate)) / rate
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    partials = sum(np.sin(2 * np.pi * hertz * number * time) / number**1.5 for number in range(1, 7))
    return np.asarray(partials * np.exp(-1.8 * time) * np.minimum(time / 0.01, 1) / 3)


def recorded(path: Path, samples: np.ndarray, rate: int = RATE, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes((np.repeat(samples, channels).clip(-1, 1) * 32767).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize(("pitch", "name"), [(36, "C2"), (57, "A3"), (66, "F#4"), (84, "C6")])
def test_a_tone_is_written_down(listener: Any, tmp_path: Path, pitch: int, name: str) -> None:
    samples = np.concatenate([np.zeros(RATE), tone(pitch, 1), np.zeros(RATE)])

    found = score(listener.predict(audio=recorded(tmp_path / "a.wav", samples)))
    strongest = max(found["notes"], key=lambda each: each["strength"])
    assert (strongest["pitch"], strongest["name"]) == (pitch, name)
    assert strongest["start"] == pytest.approx(1, abs=0.05)
    assert strongest["end"] == pytest.approx(2, abs=0.15)
    assert found["seconds"] == pytest.approx(3, abs=0.01)


def test_three_notes_at_once_are_three_notes(listener: Any, tmp_path: Path) -> None:
    chord = sum((tone(pitch, 1.5) for pitch in (60, 64, 67)), np.zeros(int(1.5 * RATE))) / 3

    found = score(listener.predict(audio=recorded(tmp_path / "a.wav", chord), level=0.4))
    assert {"C4", "E4", "G4"} <= {each["name"] for each in found["notes"]}


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44_100, 2), (48_000, 1), (96_000, 2)])
def test_the_rate_and_the_channels_make_no_difference(
    listener: Any, tmp_path: Path, rate: int, channels: int
) -> None:
    samples = np.concatenate([tone(60, 1, rate), tone(67, 1, rate)])

    found = score(listener.predict(audio=recorded(tmp_path / "a.wav", samples, rate, channels), level=0.4))
    assert [each["name"] for each in found["notes"]][:2] == ["C4", "G4"]


def test_times_stay_right_over_many_windows(listener: Any, tmp_path: Path) -> None:
    samples = np.concatenate([np.zeros(40 * RATE), tone(69, 1), np.zeros(2 * RATE)])

    found = score(listener.predict(audio=recorded(tmp_path / "a.wav", samples)))
    assert found["notes"][0]["name"] == "A4"
    assert found["notes"][0]["start"] == pytest.approx(40, abs=0.05)


@pytest.mark.parametrize("seconds", [0, 0.0001, 0.3, 10])
def test_silence_of_any_length_has_no_notes(listener: Any, tmp_path: Path, seconds: float) -> None:
    silent = recorded(tmp_path / "a.wav", np.zeros(int(seconds * RATE)))

    assert score(listener.predict(audio=silent))["notes"] == []


def test_shorter_notes_are_left_out(listener: Any) -> None:
    assert len(score(listener.predict(audio=SCALE, level=0.4))["notes"]) >= 11
    long = score(listener.predict(audio=SCALE, level=0.4, shortest=1))["notes"]
    assert [each["name"] for each in long] == ["E4", "C4", "G4"]


@pytest.mark.parametrize("content", [b"Dear diary", b"RIFF\x24\x00\x00\x00WAVE", SCALE.read_bytes()[:40]])
def test_what_is_no_sound_is_told(listener: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)

    refused = listener.predict(audio=tmp_path / "a.wav")
    assert refused.status_code >= 400
    assert "a.wav is no sound that can be read" in refused.text


def test_a_recording_that_is_too_long_is_refused(listener: Any, tmp_path: Path) -> None:
    path = recorded(tmp_path / "long.wav", np.zeros(11 * 60 * 4000), 4000)

    assert "lasts 660 s" in listener.predict(audio=path).text


def test_an_empty_file_is_refused(listener: Any, tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()

    assert listener.predict(audio=tmp_path / "empty.wav").status_code == 422
