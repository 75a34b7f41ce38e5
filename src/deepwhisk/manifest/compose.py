"""The content folders of a project become one manifest, always the same text for the same content."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from deepwhisk.errors import ProjectError
from deepwhisk.goyaml import dump
from deepwhisk.manifest.names import DEFAULT
from deepwhisk.project import HEADER, Function, Model, Project, Sequence, Topic, Trigger

LEFT_OUT = ("example", "tests", "__pycache__")  # of a model's folder, which is zipped


def compose(project: Project) -> str:
    """The text of manifest.yaml."""
    packages: dict[str, Any] = {}
    if project.models:
        actions = {model.name: _model(model) for model in project.models}
        packages["models"] = {"annotations": {"description": "Models of the catalog"}, "actions": actions}
    for topic in project.actions:
        _add(packages, topic.name, _topic(topic))
    if project.feeds:
        _add(packages, "feeds", _feeds(project.feeds))
    if project.sequences:
        _add(packages, "sequences", {"sequences": {one.name: _sequence(one) for one in project.sequences}})
    if project.triggers:
        _add(packages, DEFAULT, _triggers(project.triggers))
    return HEADER + dump({"project": {"name": project.name, "packages": packages}})


def _add(packages: dict[str, Any], name: str, package: Mapping[str, Any]) -> None:
    if name in packages or (name == DEFAULT and "triggers" not in package):
        raise ProjectError(
            f"actions/{name}.py would be a second package {name!r}; give the file another name."
        )
    packages[name] = package


def _model(model: Model) -> dict[str, Any]:
    folder = f"catalog/{model.name}"
    return {
        "function": folder,
        "docker": f"deepwhisk/{model.name}:{model.version}",
        "web": "raw",
        "limits": {"timeout": model.timeout, "memorySize": model.memory},
        "annotations": {**_described(model), **_kept(model), "provide-api-key": True},
        "exclude": [f"{folder}/{name}" for name in LEFT_OUT],
    }


def _described(model: Model) -> dict[str, str]:
    """What the list of deployed models tells of one: OpenWhisk keeps it beside the action."""
    told = {
        "title": model.metadata.get("title") or model.name,
        "description": model.description,
        "license": model.metadata.get("license"),
        "version": model.version,
    }
    return {name: _literal(str(value)) for name, value in told.items() if value}


def _kept(model: Model) -> dict[str, int]:
    """What only this project's engine knows; others pass over annotations that they do not know."""
    asked = {"concurrency": model.concurrency, "min-warm": model.min_warm, "keep-alive": model.keep_alive}
    usual = {"concurrency": 1, "min-warm": 0, "keep-alive": None}
    return {name: value for name, value in asked.items() if value is not None and value != usual[name]}


def _literal(text: str) -> str:
    """Text that wskdeploy takes as it is: whoever wrote a model learns nothing of who deploys it."""
    return (" " if text.startswith("$") else "") + text.replace("${", "$${")


def _topic(topic: Topic) -> dict[str, Any]:
    settings = topic.settings
    return {
        **{key: settings[key] for key in ("version", "public", "inputs") if settings.get(key)},
        "annotations": {"description": topic.title, **settings.get("annotations", {})},
        "actions": {function.name: _function(function, topic.file) for function in topic.functions},
    }


def _function(function: Function, file: str, **annotations: Any) -> dict[str, Any]:
    settings = function.settings
    described = {"description": settings.get("description") or function.title}
    folder = not file.endswith(".py")  # which is zipped
    return {
        "function": file,
        "docker": f"deepwhisk/runtime-python:{version('deepwhisk')}",
        "main": function.main,
        **({"exclude": [f"{file}/__pycache__"]} if folder else {}),
        **{key: settings[key] for key in ("web", "limits", "inputs") if settings.get(key)},
        "annotations": {**described, **annotations, **settings.get("annotations", {})},
    }


def _feeds(topics: tuple[Topic, ...]) -> dict[str, Any]:
    """One package for all feeds: a file is an action, named after it."""
    inputs: dict[str, Any] = {}
    actions: dict[str, Any] = {}
    for topic in topics:
        if [function.main for function in topic.functions] != ["main"]:
            raise ProjectError(f"{topic.file} must have the function main(args) alone: a feed is one action.")
        inputs.update(topic.settings.get("inputs", {}))
        actions[topic.name] = _function(topic.functions[0], topic.file, feed=True)
    described = {"description": "Feeds: what makes triggers fire"}
    return {**({"inputs": inputs} if inputs else {}), "annotations": described, "actions": actions}


def _sequence(sequence: Sequence) -> dict[str, Any]:
    settings = sequence.settings
    described = {"description": settings["description"]} if settings.get("description") else {}
    annotations = {**described, **settings.get("annotations", {})}
    actions = ", ".join(part.strip() for part in settings.get("actions", "").split(","))
    web = {"web": settings["web"]} if settings.get("web") else {}
    return {"actions": actions, **web, **({"annotations": annotations} if annotations else {})}


def _triggers(triggers: tuple[Trigger, ...]) -> dict[str, Any]:
    """Triggers and rules lie in no package; stock wskdeploy gives them bare names under `default`."""
    rules: dict[str, Any] = {}
    for trigger in triggers:
        for name, action in trigger.rules.items():
            if name in rules:
                raise ProjectError(
                    f"triggers/{trigger.name}.yaml: there is a rule {name!r} in another file too."
                )
            rules[name] = {"trigger": trigger.name, "action": action}
    return {
        "triggers": {trigger.name: _trigger(trigger.settings) for trigger in triggers},
        **({"rules": rules} if rules else {}),
    }


def _trigger(settings: Mapping[str, Any]) -> dict[str, Any]:
    described = {"description": settings["description"]} if settings.get("description") else {}
    annotations = {**described, **settings.get("annotations", {})}
    feed = settings.get("feed", "")
    return {
        **({"feed": feed if feed.startswith("/") else f"/_/{feed}"} if feed else {}),
        **({"inputs": settings["inputs"]} if settings.get("inputs") else {}),
        **({"annotations": annotations} if annotations else {}),
    }
