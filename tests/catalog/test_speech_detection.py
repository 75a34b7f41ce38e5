"""The speech detector through the shim: speech, silence, noise, and sounds of every sort."""

import io
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

FOLDER = Path(__file__).parent.parent.parent / "catalog" / "speech-detection"
READING, TWO = FOLDER / "example" / "reading.flac", FOLDER / "example" / "two.ogg"
DECODE = (
    "import soundfile, sys; sys.stdout.buffer.write(soundfile.read(sys.argv[1], dtype='int16')[0].tobytes())"
)


@pytest.fixture(scope="module")
def listener(served: Callable[[str], Any]) -> Any:
    return served("speech-detection")


@pytest.fixture(scope="module")
def reading(install: Callable[[str], Any]) -> np.ndarray:
    """The samples of the example: 9.1 s at 16 kHz."""
    python = install("speech-detection").environment.python
    done = subprocess.run([python, "-c", DECODE, READING], capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.int16)


def sound(path: Path, samples: np.ndarray, rate: int = 16_000, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def heard(listener: Any, audio: Path, **given: Any) -> Any:
    answer = listener.predict(audio=audio, **given)
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]


def told(listener: Any, path: Path, content: bytes) -> str:
    """What is said of a file that is no sound."""
    path.write_bytes(content)
    refused = listener.predict(audio=path)
    assert refused.status_code == 500
    return str(refused.json()["error"]["message"])


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 192_000])
def test_speech_is_heard_at_any_rate(listener: Any, reading: np.ndarray, tmp_path: Path, rate: int) -> None:
    times = np.arange(len(reading) * rate // 16_000) * 16_000 / rate
    other = np.interp(times, np.arange(len(reading)), reading)

    answer = heard(listener, sound(tmp_path / "other.wav", other, rate))
    assert answer["duration"] == pytest.approx(9.1, abs=0.01)
    assert len(answer["segments"]) == 1
    assert answer["segments"][0]["start"] == pytest.approx(1.22, abs=0.1)
    assert answer["segments"][0]["end"] == pytest.approx(7.9, abs=0.1)


def test_channels_are_mixed(listener: Any, reading: np.ndarray, tmp_path: Path) -> None:
    """Speech on one side, silence on the other."""
    sides = np.stack([reading, np.zeros_like(reading)], axis=1)

    answer = heard(listener, sound(tmp_path / "sides.wav", sides, channels=2))
    assert answer["speech"] == pytest.approx(6.68, abs=0.3)


def test_a_long_sound_is_heard_across_the_blocks_it_is_read_in(
    listener: Any, reading: np.ndarray, tmp_path: Path
) -> None:
    silence = np.zeros(11 * 16_000, np.int16)  # so that speech is where one block ends and the next begins

    answer = heard(listener, sound(tmp_path / "late.wav", np.concatenate([silence, reading])))
    assert len(answer["segments"]) == 1
    assert answer["segments"][0]["start"] == pytest.approx(12.22, abs=0.1)
    assert answer["segments"][0]["end"] == pytest.approx(18.9, abs=0.1)


def test_a_pause_that_is_long_enough_ends_a_segment(listener: Any) -> None:
    assert len(heard(listener, TWO)["segments"]) == 2
    assert len(heard(listener, TWO, pause=2)["segments"]) == 1
    assert heard(listener, TWO, shortest=10)["segments"] == []


def test_segments_follow_each_other_within_the_sound(listener: Any) -> None:
    answer = heard(listener, TWO, pause=0.1, shortest=0, threshold=0.9)
    times = [time for each in answer["segments"] for time in (each["start"], each["end"])]

    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] <= answer["duration"]
    assert answer["speech"] == pytest.approx(sum(times[1::2]) - sum(times[::2]), abs=0.01)


@pytest.mark.parametrize("loudness", [0, 3, 300, 3000])
def test_in_silence_and_noise_nobody_speaks(listener: Any, tmp_path: Path, loudness: int) -> None:
    noise = np.random.default_rng(loudness).normal(0, 1, 20 * 16_000) * loudness

    assert heard(listener, sound(tmp_path / "noise.wav", noise)) == {
        "segments": [],
        "speech": 0,
        "duration": 20,
    }


def test_a_tone_is_no_speech(listener: Any, tmp_path: Path) -> None:
    tone = np.sin(np.arange(80_000) * 2 * np.pi * 440 / 16_000) * 9000

    assert heard(listener, sound(tmp_path / "tone.wav", tone))["speech"] < 0.5


@pytest.mark.parametrize("count", [0, 1, 511, 513])
def test_very_short_sounds_are_answered(listener: Any, tmp_path: Path, count: int) -> None:
    answer = heard(listener, sound(tmp_path / "short.wav", np.zeros(count)))

    assert answer == {"segments": [], "speech": 0, "duration": round(count / 16_000, 3)}


def test_what_is_no_sound_is_refused_with_a_sentence(listener: Any, tmp_path: Path) -> None:
    slow, wide = (
        sound(tmp_path / "odd.wav", np.zeros(0), rate, channels).read_bytes()
        for rate, channels in ((1_000, 1), (16_000, 60))
    )

    assert "notes.raw is no sound that can be read: " in told(listener, tmp_path / "notes.raw", b"no sound")
    assert "Send a WAV, FLAC, OGG, Opus, MP3 or AIFF file." in told(listener, tmp_path / "a.wav", b"RIFF")
    assert "has 1 channels of 1000 samples a second" in told(listener, tmp_path / "slow.wav", slow)
    assert "has 60 channels of 16000 samples" in told(listener, tmp_path / "wide.wav", wide)
    assert heard(listener, READING)["segments"]


def test_a_sound_that_is_cut_short_is_a_shorter_sound_or_a_sentence(listener: Any, tmp_path: Path) -> None:
    for name, whole in (("cut.flac", READING.read_bytes()), ("cut.ogg", TWO.read_bytes())):
        cut = tmp_path / name
        cut.write_bytes(whole[: len(whole) // 2])
        answer = listener.predict(audio=cut)
        if answer.status_code == 200:
            assert answer.json()["predictions"]["duration"] < 10
        else:
            assert f"{name} is no sound that can be read" in answer.json()["error"]["message"]


def test_not_a_number_is_silence(listener: Any, tmp_path: Path) -> None:
    samples = np.full(16_000, np.nan, "<f4").tobytes()
    head = io.BytesIO()
    with wave.open(head, "wb") as file:
        file.setparams((1, 4, 16_000, 16_000, "NONE", ""))
        file.writeframes(samples)
    floats = bytearray(head.getvalue())
    floats[20:22] = (3).to_bytes(2, "little")  # the numbers are floats
    path = tmp_path / "nan.wav"
    path.write_bytes(floats)

    assert heard(listener, path) == {"segments": [], "speech": 0, "duration": 1}


def test_many_channels_at_the_highest_rate_stay_within_the_memory_limit(
    listener: Any, tmp_path: Path
) -> None:
    wide = sound(tmp_path / "wide.wav", np.zeros((20 * 192_000, 8), np.int16), 192_000, 8)

    assert heard(listener, wide)["duration"] == 20
    limit = yaml.safe_load((FOLDER / "ai4-metadata.yml").read_text())["resources"]["inference"]["memory_MB"]
    assert listener.peak < limit
