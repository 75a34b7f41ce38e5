"""From an artifact to the version that serves: checked, numbered, and told to the model's action.

Law: the version is written before the action is told, and the action is told until it holds the newest one;
whoever is killed in between leaves what the next call of any of these mends. Nothing else of the action
changes: an init parameter makes new containers, and calls under way end in the old ones.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deepwhisk.batch.layout import BUCKET, Place, located
from deepwhisk.batch.training import now
from deepwhisk.batch.versions import artifact, rule
from deepwhisk.batch.versions.history import ORIGINAL, PROMOTED, Version, Versions, previous, rolled_back
from deepwhisk.errors import ObjectMissing, TrainingError, WhiskError
from deepwhisk.objects.store import Store
from deepwhisk.whisk import Whisk

PARAMETER = "DEEPWHISK_ARTIFACT"
PACKAGE = "models"
TRAIN = "train"
MISSING, CONFLICT = 404, 409
MOST_TRIES = 20


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of asking for a promotion; one that a rule forbids is no error."""

    promoted: bool
    version: Version | None = None
    reason: str = ""

    def body(self) -> dict[str, Any]:
        """As it is answered."""
        said = self.version.body() if self.version else {}
        return {**said, "promoted": self.promoted, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Left:
    """What a training left, as its objects say."""

    place: Place
    key: str
    result: Mapping[str, Any]
    metrics: Mapping[str, float]
    rule: rule.Rule


class Promotions:
    """Promotions and rollbacks of the models of one namespace."""

    def __init__(self, store: Store, whisk: Whisk, bucket: str = BUCKET) -> None:
        self.versions = Versions(store, bucket)
        self._store = store
        self._whisk = whisk
        self._bucket = bucket

    def promote(self, place: Place, *, force: bool = False, hand: bool = False, by: str = "") -> Decision:
        """Let a training serve, if its rule says so or FORCE does; asked again, it changes nothing.

        HAND says that somebody asks, and not an event.
        """
        if self._decided(self.versions.all(place.model), place, force):
            return self._settled(place, "it was promoted before")
        if self._kind(place) != TRAIN:
            return Decision(False, reason=f"{place.uuid} is a prediction, and no training to promote")
        left = self._left(place)
        size, reasons = self._checked(left, force), [""]

        def make(before: list[Version]) -> Version | None:
            if self._decided(before, place, force):
                return None
            current = before[-1].metrics if before else {}
            reasons[0] = "" if force else left.rule.refusal(left.metrics, current, hand=hand)
            return None if reasons[0] else _promotion(left, size, len(before) + 1, by)

        self.versions.add(place.model, make)
        if reasons[0]:
            return Decision(False, reason=f"{left.rule.text!r}: {reasons[0]}")
        return self._settled(place, "")

    def rollback(self, model: str, to: int | None = None, by: str = "") -> Version:
        """Let an earlier version serve: TO, or the one before; 0 is the model as it was deployed."""

        def make(before: list[Version]) -> Version:
            wanted = previous(before, model) if to is None else to
            made = rolled_back(before, wanted, model, by)
            if made.key:
                self._check_there(made)
            return made

        made = self.versions.add(model, make)
        assert made is not None, "a rollback is made or refused"
        self._serve(model, made)
        return made

    def body(self, model: str) -> dict[str, Any]:
        """The versions as they are told, the newest last."""
        found = self.versions.all(model)
        serving = found[-1].serves if found else ORIGINAL
        return {"model": model, "serving": serving or None, "versions": [each.body() for each in found]}

    def settle(self, model: str) -> bool:
        """Have the action hold the newest version; whether that had to be done.

        An action that is not deployed holds nothing; it is told once it is.
        """
        try:
            return self._settle(model)
        except WhiskError as error:
            if error.status != MISSING:
                raise
            return False

    def _settle(self, model: str) -> bool:
        for tries in range(MOST_TRIES):
            newest = self.versions.newest(model)
            if newest is None or not self._tell(model, newest.artifact):
                return tries > 0  # and another one may have been told since: hence the other look
        raise TrainingError(
            f"The action {PACKAGE}/{model} does not keep its {PARAMETER}; see who else changes it.", CONFLICT
        )

    def _tell(self, model: str, wanted: dict[str, Any] | None) -> bool:
        """Set the parameter of the action; False when it is so already."""
        action = self._whisk.get("actions", f"{PACKAGE}/{model}", code=False)
        own = _own(action, self._whisk.get("packages", PACKAGE))
        held = [each["value"] for each in own if each["key"] == PARAMETER and each.get("init")]
        if held == ([] if wanted is None else [wanted]):
            return False
        told = [] if wanted is None else [{"key": PARAMETER, "value": wanted, "init": True}]
        kept = [each for each in own if each["key"] != PARAMETER]
        self._whisk.put("actions", f"{PACKAGE}/{model}", {"parameters": [*kept, *told]})
        return True

    def _settled(self, place: Place, reason: str) -> Decision:
        found = [each for each in self.versions.all(place.model) if each.training == place.uuid]
        self._serve(place.model, found[-1])
        return Decision(True, found[-1], reason)

    def _serve(self, model: str, version: Version) -> None:
        """As `settle`, for whoever waits for it."""
        try:
            self._settle(model)
        except WhiskError as error:
            if error.status != MISSING:
                raise
            raise TrainingError(
                f"There is no action {PACKAGE}/{model}. Version {version.version} is written down; it serves "
                "once the action is deployed.",
                MISSING,
            ) from error

    def _decided(self, before: list[Version], place: Place, force: bool) -> bool:
        """Whether a training was promoted; a person can do it again, unless it serves."""
        known = before[-1:] if force else [each for each in before if each.why == PROMOTED]
        return any(each.training == place.uuid for each in known)

    def _check_there(self, version: Version) -> None:
        try:
            self._store.head(self._bucket, str(version.key))
        except ObjectMissing as error:
            raise TrainingError(
                f"The artifact of version {version.serves} is gone: {version.key}; choose another version.",
                CONFLICT,
            ) from error

    def _kind(self, place: Place) -> str:
        return str((self._json(place.request) or {}).get("kind", TRAIN))

    def _left(self, place: Place) -> Left:
        """What is to be promoted. Raises TrainingError where there is nothing."""
        attempts = [
            found.attempt[0]
            for each in self._store.list(self._bucket, f"{place.prefix}attempts/")
            if (found := located(each.key)) and found.attempt and found.attempt[1] == "artifact.zip"
        ]
        if not attempts:
            raise TrainingError(f"The training {place.uuid} of {place.model} has no artifact.", CONFLICT)
        attempt = place.attempt(max(attempts))
        result = self._json(attempt.result) or {}
        plan = self._json(place.plan) or {}
        told = rule.numbers(self._last_line(attempt.metrics)) | rule.numbers(result.get("output"))
        return Left(place, attempt.artifact, result, told, rule.parse(plan.get("promote") or rule.ARRIVAL))

    def _checked(self, left: Left, force: bool) -> int:
        """The size of the artifact, once it is found to be fit."""
        state, announced = left.result.get("state"), left.result.get("artifact") or {}
        if state != "done" and not force:
            raise TrainingError(
                f"The training {left.place.uuid} is not done: {state or 'no result'}.", CONFLICT
            )
        if not announced.get("sha256"):
            raise TrainingError(f"The result of {left.place.uuid} announces no artifact.", CONFLICT)
        return artifact.check(self._store, self._bucket, left.key, str(announced["sha256"]))

    def _json(self, key: str) -> dict[str, Any] | None:
        """What an object says; None where there is none."""
        try:
            with self._store.get(self._bucket, key) as body:
                return dict(json.loads(body.read()))
        except ObjectMissing:
            return None

    def _last_line(self, key: str) -> Any:
        try:
            with self._store.get(self._bucket, key) as body:
                lines = body.read().splitlines()
        except ObjectMissing:
            return None
        return json.loads(lines[-1]) if lines else None


def _promotion(left: Left, size: int, number: int, by: str) -> Version:
    return Version(
        version=number,
        serves=number,
        why=PROMOTED,
        at=now(),
        by=by,
        model=left.place.model,
        training=left.place.uuid,
        sha256=str(left.result["artifact"]["sha256"]),
        key=left.key,
        size=size,
        rule=left.rule.text,
        metrics=left.metrics,
    )


def _own(action: Mapping[str, Any], package: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parameters of an action without those that it has from its package."""
    inherited = package.get("parameters") or []
    return [each for each in action.get("parameters") or [] if each not in inherited]
