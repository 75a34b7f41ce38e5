"""The finder of sleep spindles through the shim: computed recordings, gaps, and files that are none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parent.parent.parent / "catalog" / "sleep-spindles"
NIGHT = FOLDER / "example" / "night.edf"
HERTZ = 250


@pytest.fixture(scope="module")
def sleeper(served: Callable[[str], Any]) -> Any:
    return served("sleep-spindles")


def spindles(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]


def edf(path: Path, samples: np.ndarray, rate: int = HERTZ, unit: str = "uV") -> Path:
    """A recording of one channel; the file's whole numbers are samples in `unit`."""
    seconds = len(samples) // rate
    main = [("0", 8), ("X", 80), ("X", 80), ("01.01.20", 8), ("00.00.00", 8), ("512", 8), ("", 44)]
    main += [(str(seconds), 8), ("1", 8), ("1", 4)]
    channel = [("EEG Cz", 16), ("", 80), (unit, 8), ("-32768", 8), ("32767", 8), ("-32768", 8), ("32767", 8)]
    channel += [("", 80), (str(rate), 8), ("", 32)]
    header = "".join(text.ljust(width) for text, width in main + channel)
    path.write_bytes(header.encode() + samples[: seconds * rate].astype("<i2").tobytes())
    return path


def brain(seconds: int, *centers: float, rate: int = HERTZ) -> np.ndarray:
    """Noise that falls with frequency, and a spindle around each center."""
    random, count = np.random.default_rng(3), seconds * rate
    frequency = np.maximum(np.fft.rfftfreq(count, 1 / rate), 0.5)
    noise = np.fft.irfft(np.fft.rfft(random.standard_normal(count)) / frequency, count)
    time = np.arange(count) / rate
    bursts = [np.exp(-(((time - at) / 0.35) ** 2)) * np.sin(83 * (time - at)) for at in centers]
    return np.asarray(noise / noise.std() * 25 + 50 * sum(bursts, np.zeros(count)))


@pytest.mark.parametrize("place", ["eeg", "ieeg"])
def test_spindles_are_found_where_they_are(sleeper: Any, tmp_path: Path, place: str) -> None:
    centers = (8.0, 22.5, 37.0, 51.0)
    found = spindles(sleeper.predict(file=edf(tmp_path / "a.edf", brain(60, *centers)), place=place))

    middles = [(each["start"] + each["end"]) / 2 for each in found["spindles"]]
    assert middles == pytest.approx(centers, abs=0.4)
    assert (found["channel"], found["seconds"], found["not_evaluated"]) == ("EEG Cz", 60, [])


def test_millivolts_are_voltages_too(sleeper: Any, tmp_path: Path) -> None:
    found = spindles(sleeper.predict(file=edf(tmp_path / "a.edf", brain(40, 20.0) * 50, unit="mV")))

    assert len(found["spindles"]) == 1


@pytest.mark.filterwarnings("ignore")
def test_other_rates_are_resampled(sleeper: Any, tmp_path: Path) -> None:
    for rate in (200, 256, 512):
        found = spindles(sleeper.predict(file=edf(tmp_path / "a.edf", brain(40, 20.0, rate=rate), rate)))
        assert len(found["spindles"]) == 1, rate


def test_of_silence_nothing_is_said(sleeper: Any, tmp_path: Path) -> None:
    found = spindles(sleeper.predict(file=edf(tmp_path / "flat.edf", np.zeros(40 * HERTZ))))

    assert found["spindles"] == []
    assert found["not_evaluated"] == [[0, 40]]


def test_what_lies_between_two_parts_of_a_long_recording_is_told_once(sleeper: Any, tmp_path: Path) -> None:
    night = brain(5500, 3599.9, 5000.0, rate=50)
    night[100 * 50 : 3500 * 50] = night[3650 * 50 : 4900 * 50] = night[5050 * 50 :] = 0

    found = spindles(sleeper.predict(file=edf(tmp_path / "night.edf", night, 50)))
    middles = [(each["start"] + each["end"]) / 2 for each in found["spindles"] if each["confidence"] > 0.9]
    assert middles == pytest.approx([3599.9, 5000], abs=0.4)
    edges = [edge for each in found["not_evaluated"] for edge in each]
    assert edges == pytest.approx([100, 3500, 3650, 4900, 5050, 5500], abs=15)


def test_a_higher_threshold_leaves_out_what_is_less_sure(sleeper: Any) -> None:
    assert len(spindles(sleeper.predict(file=NIGHT, threshold=0.5))["spindles"]) == 5
    assert len(spindles(sleeper.predict(file=NIGHT, threshold=0.999))["spindles"]) == 1


def test_a_channel_that_is_not_there_is_told_with_those_that_are(sleeper: Any) -> None:
    told = sleeper.predict(file=NIGHT, channel="EEG O1").text

    assert "no channel 'EEG O1'; its channels are: EEG C3-A2, EEG C4-A1" in told


def test_what_measures_no_voltage_is_no_channel(sleeper: Any, tmp_path: Path) -> None:
    told = sleeper.predict(file=edf(tmp_path / "warmth.edf", brain(40), unit="degC")).text

    assert "its channels are: none with a voltage" in told


@pytest.mark.parametrize(
    ("samples", "rate", "told"),
    [
        (brain(20), HERTZ, "is 20.00 s long; at least 30 s are needed"),
        (brain(40), 20, "sampling rate >= 50 Hz"),
    ],
)
def test_what_is_too_short_or_too_coarse_is_told(
    sleeper: Any, tmp_path: Path, samples: np.ndarray, rate: int, told: str
) -> None:
    assert told in sleeper.predict(file=edf(tmp_path / "a.edf", samples, rate)).text


def test_a_recording_that_is_too_long_is_refused_from_its_header(sleeper: Any, tmp_path: Path) -> None:
    path = edf(tmp_path / "long.edf", np.zeros(HERTZ))
    path.write_bytes(path.read_bytes()[:236] + b"99999999" + path.read_bytes()[244:])

    assert sleeper.predict(file=path).status_code >= 400
    assert sleeper.peak < 512


@pytest.mark.parametrize(
    "content",
    [
        b"Dear diary",
        b"\xffBIOSEMI",
        NIGHT.read_bytes()[:300],
        b"0       " + b"x" * 1000,
        b"\x89PNG\r\n" * 200,
    ],
)
def test_what_is_no_recording_is_told(sleeper: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.edf").write_bytes(content)

    refused = sleeper.predict(file=tmp_path / "a.edf")
    assert refused.status_code >= 400
    assert "a.edf is no recording that can be read" in refused.text
