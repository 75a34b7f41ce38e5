"""Where everything of a training lies in the bucket of trainings, and what a key there means.

Law: a training is the objects under MODEL/UUID/ and nothing else; whoever lists the bucket knows every
training, every state it was in and every attempt, without opening one object.
"""

import re
from dataclasses import dataclass

BUCKET = "deepwhisk-trainings"
UUID = re.compile(r"[0-9a-f]{32}")
MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
STATE_KEY = re.compile(r"([0-9]{4,})-([a-z]+)\.json")
JOB_NAME = re.compile(r"deepwhisk-([0-9a-f]{32})-([0-9]{1,4})")
FILES = ("environment.json", "metrics.jsonl", "log.txt", "checkpoint.zip", "result.json", "artifact.zip")
"""What the node writes of an attempt."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The keys of one attempt at a training."""

    prefix: str  # MODEL/UUID/attempts/N/

    @property
    def job(self) -> str:
        """What the node reads."""
        return f"{self.prefix}job.json"

    @property
    def environment(self) -> str:
        return f"{self.prefix}environment.json"

    @property
    def metrics(self) -> str:
        return f"{self.prefix}metrics.jsonl"

    @property
    def log(self) -> str:
        return f"{self.prefix}log.txt"

    @property
    def checkpoint(self) -> str:
        return f"{self.prefix}checkpoint.zip"

    @property
    def result(self) -> str:
        return f"{self.prefix}result.json"

    @property
    def artifact(self) -> str:
        return f"{self.prefix}artifact.zip"


@dataclass(frozen=True, slots=True)
class Place:
    """The keys of one training."""

    model: str
    uuid: str

    @property
    def prefix(self) -> str:
        return f"{self.model}/{self.uuid}/"

    @property
    def request(self) -> str:
        return f"{self.prefix}request.json"

    @property
    def plan(self) -> str:
        return f"{self.prefix}plan.json"

    @property
    def cancel(self) -> str:
        return f"{self.prefix}cancel.json"

    @property
    def promotion(self) -> str:
        """What came of the artifact's arrival: promoted, or why not."""
        return f"{self.prefix}promotion.json"

    @property
    def states(self) -> str:
        """What all keys of states begin with."""
        return f"{self.prefix}states/"

    def state(self, number: int, state: str) -> str:
        """The key of one state; numbers count from 1."""
        return f"{self.states}{number:04d}-{state}.json"

    def attempt(self, number: int) -> Attempt:
        """The keys of one attempt; numbers count from 1."""
        return Attempt(f"{self.prefix}attempts/{number}/")


@dataclass(frozen=True, slots=True)
class Located:
    """A key taken apart: `rest` is what follows MODEL/UUID/."""

    place: Place
    rest: str

    @property
    def state(self) -> tuple[int, str] | None:
        """Number and state of a key of a state."""
        folder, _, name = self.rest.partition("/")
        found = STATE_KEY.fullmatch(name) if folder == "states" else None
        return (int(found[1]), found[2]) if found else None

    @property
    def attempt(self) -> tuple[int, str] | None:
        """Number of the attempt and name of the file, of a key of an attempt."""
        parts = self.rest.split("/")
        known = len(parts) == 3 and parts[0] == "attempts" and parts[1].isdecimal()
        return (int(parts[1]), parts[2]) if known else None


def located(key: str) -> Located | None:
    """What a key of the bucket is; None for what is no training's: versions, code, foreign objects."""
    model, _, rest = key.partition("/")
    uuid, _, rest = rest.partition("/")
    if not rest or not UUID.fullmatch(uuid) or not MODEL.fullmatch(model):
        return None
    return Located(Place(model, uuid), rest)


def versions(model: str) -> str:
    """What the keys of a model's versions begin with."""
    return f"{model}/versions/"


def version(model: str, number: int) -> str:
    """The key of one promotion or rollback; numbers count from 1."""
    return f"{versions(model)}{number:04d}.json"


def code(sha256: str) -> str:
    """The key of a zip of a deployed action."""
    return f"_code/{sha256}.zip"


def runtime(sha256: str) -> str:
    """The key of a zip of the program that runs on nodes."""
    return f"_runtime/{sha256}.zip"


def job_name(uuid: str, attempt: int) -> str:
    """What an attempt is called by every runner: its idempotency key."""
    return f"deepwhisk-{uuid}-{attempt}"


def named(job: str) -> tuple[str, int] | None:
    """UUID and attempt of a job's name; None for a job that is not ours."""
    found = JOB_NAME.fullmatch(job)
    return (found[1], int(found[2])) if found else None
