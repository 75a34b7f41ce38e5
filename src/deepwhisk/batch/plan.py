"""From what was asked to what will run: code, environment, resources and data, each by its digest.

Law: a plan is made once and never again; whatever is wrong with a request is said here, before a cluster
is asked for anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deepwhisk.batch import layout
from deepwhisk.batch.deployed import Deployed, Models
from deepwhisk.batch.node.bundled import Bundle
from deepwhisk.batch.records import Records
from deepwhisk.batch.training import Training
from deepwhisk.batch.versions import rule
from deepwhisk.batch.versions.history import Versions
from deepwhisk.batch.wanted import wanted
from deepwhisk.environments import digest_of, weights_of
from deepwhisk.errors import ObjectMissing, TrainingError
from deepwhisk.objects.store import Object

KINDS = ("train", "predict")
MOST_FILES = 10_000
ZIP = "application/zip"


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes plans; safe to share between threads."""

    records: Records
    models: Models
    bundle: Bundle
    versions: Versions
    there: set[str] = field(default_factory=set)  # code that was seen in the store

    def plan(self, training: Training) -> dict[str, Any]:
        """The plan of a training; made if it has none. Raises TrainingError for what can never run."""
        if training.plan is not None:
            return dict(training.plan)
        request, kind = training.request, str(training.request.get("kind", "train"))
        check(training)
        model = self.models.find(training.model, kind)
        made = {
            "code": self._code(model),
            "runtime": {"key": layout.runtime(self.bundle.sha256), "sha256": self.bundle.sha256},
            "environment": environment(model),
            "image": model.image,
            "resources": wanted(model.metadata, request.get("resources") or {}).body(),
            **self._files(request, model),
            "promote": promotion(request, model, kind),
            "version": str(model.metadata.get("version") or ""),
            "artifact": self._artifact(training.model) if kind == "predict" else None,
        }
        self.bundle.ensure(self.records)
        if self.records.write_once(training.place.plan, made):
            return made
        return self.records.json(training.place.plan) or made

    def _code(self, model: Deployed) -> dict[str, str]:
        key = layout.code(model.sha256)
        if key not in self.there and not self.records.has(key):
            self.records.store.put(self.records.bucket, key, model.zip, content_type=ZIP)
        self.there.add(key)
        return {"key": key, "sha256": model.sha256}

    def _artifact(self, model: str) -> dict[str, Any] | None:
        """What a prediction loads: the version that serves now."""
        newest = self.versions.newest(model)
        return {"key": newest.key, "sha256": newest.sha256} if newest and newest.key else None

    def _files(self, request: Mapping[str, Any], model: Deployed) -> dict[str, Any]:
        given = request.get("files") or {}
        files = {name: self._referred(name, value) for name, value in given.items()}
        many = [name for name, value in given.items() if isinstance(value, list)]
        if data := request.get("data"):
            name = _argument(model, files)
            files[name] = self._data(str(data))
            many += [name] if str(data).endswith("/") else []
        if (number := sum(map(len, files.values()))) > MOST_FILES:
            raise TrainingError(
                f"The training has {number} files; put them into a zip: {MOST_FILES} is the most."
            )
        return {"files": files, "many": many}

    def _referred(self, name: str, value: Any) -> list[dict[str, Any]]:
        """The objects of references, as they are now."""
        references = value if isinstance(value, list) else [value]
        found = []
        for reference in references:
            said = reference.get("$object") if isinstance(reference, Mapping) else None
            if not isinstance(said, Mapping) or not said.get("bucket") or not said.get("key"):
                raise TrainingError(
                    f"The argument {name} is no reference to an object: {str(reference)[:200]}."
                )
            one = self._object(str(said["bucket"]), str(said["key"]))
            if said.get("etag") and said["etag"] != one.etag:
                raise TrainingError(
                    f"The object {one.key} in {one.bucket} changed since it was named; name it anew."
                )
            found.append(described(one))
        return found

    def _data(self, url: str) -> list[dict[str, Any]]:
        bucket, _, key = url.removeprefix("s3://").partition("/")
        if not url.startswith("s3://") or not bucket:
            raise TrainingError(f"The data {url!r} must be s3://BUCKET/KEY or s3://BUCKET/PREFIX/.")
        if key and not key.endswith("/"):
            return [described(self._object(bucket, key))]
        try:
            found = [one for one in self.records.store.list(bucket, key) if not one.key.endswith("/")]
        except ObjectMissing as error:
            raise TrainingError(f"There is no bucket {bucket!r}, where the data should be.") from error
        if not found:
            raise TrainingError(f"There is nothing at {url}.")
        return [{**described(one), "name": one.key.removeprefix(key)} for one in found]

    def _object(self, bucket: str, key: str) -> Object:
        try:
            return self.records.store.head(bucket, key)
        except ObjectMissing as error:
            raise TrainingError(f"There is no object {key!r} in the bucket {bucket!r}.") from error


def check(training: Training) -> None:
    """Refuse a request that is none. Raises TrainingError."""
    request = training.request
    if request.get("kind", "train") not in KINDS:
        raise TrainingError(f"The kind {request.get('kind')!r} is none of {', '.join(KINDS)}.")
    if request.get("model", training.model) != training.model or request.get("uuid") != training.uuid:
        raise TrainingError(f"The request at {training.place.request} is another training's.")
    for member in ("arguments", "files", "resources"):
        if not isinstance(request.get(member) or {}, Mapping):
            raise TrainingError(f"{member} of a request must be an object, not {request[member]!r}.")


def environment(model: Deployed) -> dict[str, str | None]:
    """What the cache of environments calls the model's packages and weights."""
    return {
        "digest": digest_of(model.requirements),
        "weights": None if model.build is None else weights_of(model.build),
    }


def promotion(request: Mapping[str, Any], model: Deployed, kind: str) -> str | None:
    """The rule of promotion that holds: the request's, else the model's."""
    if kind != "train":
        return None
    said = str(request["promote"]) if request.get("promote") else rule.of(model.metadata)
    return rule.parse(said).text


def described(one: Object) -> dict[str, Any]:
    """An object as a plan names it."""
    return {"bucket": one.bucket, "key": one.key, "etag": one.etag, "size": one.size}


def _argument(model: Deployed, taken: Mapping[str, Any]) -> str:
    """The argument that `data` is meant for: the first file of `train` that nothing was given for."""
    if model.files is None:
        return "data"
    free = [name for name in model.files if name not in taken]
    if not free:
        raise TrainingError(
            f"`train` takes no file for the data; its files are {', '.join(model.files) or 'none'}."
        )
    return free[0]
