"""The triggers that trainable models bring, where a project has the actions of trainings.

    train-NAME        fired by anybody: its parameters are the arguments of a training
    train-NAME-data   an object arrived under NAME/ in the bucket of data sets, if the metadata says so
    trained           an artifact arrived: it may become what is served

Law: a file in triggers/ of the same name comes first; whoever wrote it knows better.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from deepwhisk.errors import ProjectError
from deepwhisk.project.catalog import Model
from deepwhisk.project.topics import Topic
from deepwhisk.project.triggers import Trigger

TOPIC = "training"
FEED = "feeds/objects"
DATA_SETS, TRAININGS = "datasets", "deepwhisk-trainings"
ARTIFACT = "/artifact.zip"


def training_triggers(
    models: Sequence[Model], actions: Iterable[Topic], feeds: Iterable[Topic], written: Iterable[Trigger]
) -> tuple[Trigger, ...]:
    """The triggers of a project's models; none where no model can be trained, or nobody takes trainings."""
    trainable = [model for model in models if model.trainable]
    if not trainable or TOPIC not in {topic.name for topic in actions}:
        return ()
    named = {trigger.name for trigger in written}
    fed = FEED.rpartition("/")[2] in {topic.name for topic in feeds}
    found = [*(each for model in trainable for each in _of(model)), _trained()]
    return tuple(each for each in found if each.name not in named and (fed or "feed" not in each.settings))


def _of(model: Model) -> Iterator[Trigger]:
    name, about = f"train-{model.name}", {"model": model.name}
    told = {"description": f"Trains {model.name}; parameters are its arguments"}
    submit = f"{TOPIC}/submit"
    yield Trigger(name, {**told, "inputs": {**about, "via": "trigger"}}, {f"submit-{model.name}": submit})
    if _on_data(model):
        inputs = {"bucket": DATA_SETS, "prefix": f"{model.name}/", "payload": about}
        told = {"description": f"Trains {model.name} on what arrives in {DATA_SETS}/{model.name}/"}
        rules = {f"submit-{model.name}-data": submit}
        yield Trigger(f"{name}-data", {**told, "feed": FEED, "inputs": inputs}, rules)


def _trained() -> Trigger:
    told = {"description": "A training has left an artifact"}
    inputs = {"bucket": TRAININGS, "suffix": ARTIFACT}
    return Trigger(
        "trained", {**told, "feed": FEED, "inputs": inputs}, {"promote-trained": f"{TOPIC}/promote"}
    )


def _on_data(model: Model) -> bool:
    """Whether metadata says `resources.training.on_data: true`."""
    found: Any = model.metadata
    for name in ("resources", "training"):
        found = found.get(name) if isinstance(found, dict) else None
    said = found.get("on_data", False) if isinstance(found, dict) else False
    if not isinstance(said, bool):
        raise ProjectError(
            f"catalog/{model.name}: resources.training.on_data must be true or false, not {said!r}."
        )
    return said
