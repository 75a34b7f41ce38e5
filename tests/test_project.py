"""What content folders say, and what is told when they say it wrong."""

from pathlib import Path
from typing import ClassVar

import pytest

from deepwhisk.errors import ProjectError
from deepwhisk.project import Project, find_folder, read_project, shipped

ROOT = Path(__file__).parent.parent
MODEL = '"""Adds two numbers.\n\nMore."""\n\nclass Model:\n    def predict(self, a: int) -> int: ...\n'


def project(folder: Path, **texts: str) -> Project:
    """A project of these files; `__` in a name without one is a slash."""
    for name, text in texts.items():
        path = folder / (name if "/" in name else name.replace("__", "/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return read_project(folder)


def model(folder: Path, source: str, metadata: str = "") -> Project:
    return project(folder, **{"catalog__m__model.py": source, "catalog__m__ai4-metadata.yml": metadata})


class TestFinding:
    def test_a_project_is_found_from_any_folder_in_it(self) -> None:
        assert find_folder(ROOT / "catalog" / "image-classification" / "example") == ROOT

    def test_a_folder_with_only_a_manifest_is_a_project(self, tmp_path: Path) -> None:
        (tmp_path / "manifest.yaml").write_text("packages: {}\n")
        (tmp_path / "deep").mkdir()
        assert find_folder(tmp_path / "deep") == tmp_path

    def test_outside_of_any_project_the_one_of_the_tool_is_taken(self, tmp_path: Path) -> None:
        assert find_folder(tmp_path) == shipped()

    def test_a_tool_without_content_says_how_to_make_a_project(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("deepwhisk.project.INSTALLED", tmp_path / "none")
        monkeypatch.setattr("deepwhisk.project.CLONE", tmp_path / "none")
        with pytest.raises(ProjectError, match="`deepwhisk new project NAME`"):
            find_folder(tmp_path)


class TestThisProject:
    def test_it_serves_both_models(self) -> None:
        names = [model.name for model in Project.find(ROOT).models]
        assert {"image-classification", "language-identification"} <= set(names)

    def test_a_model_tells_its_requirements_and_how_its_weights_are_made(self) -> None:
        model = Project.find(ROOT).model("image-classification")
        assert "onnxruntime" in model.requirements
        assert model.build is not None
        assert Project.find(ROOT).model("language-identification").build is None

    def test_it_knows_the_buckets_that_its_triggers_name(self) -> None:
        assert Project.find(ROOT).buckets() >= {"uploads", "results"}

    def test_an_unknown_model_is_told_with_those_there_are(self) -> None:
        with pytest.raises(ProjectError, match=r"no model 'imagination'.*image-classification"):
            Project.find(ROOT).model("imagination")


class TestModels:
    def test_its_title_is_the_first_line_of_its_docstring(self, tmp_path: Path) -> None:
        assert model(tmp_path, MODEL).model("m").title == "Adds two numbers."

    def test_it_is_never_imported(self, tmp_path: Path) -> None:
        model(tmp_path, MODEL + "\nraise SystemExit('imported')\n")

    def test_one_without_metadata_has_what_every_server_grants(self, tmp_path: Path) -> None:
        found = project(tmp_path, **{"catalog__m__model.py": MODEL}).model("m")
        assert (found.memory, found.timeout, found.version) == (512, 60_000, "0.1.0")
        assert (found.requirements, found.build, found.trainable) == ("", None, False)

    def test_metadata_gives_version_summary_and_limits(self, tmp_path: Path) -> None:
        metadata = "version: 1.2\nsummary: Sums.\ndates: {created: 2026-01-01}\n"
        metadata += "resources: {inference: {memory_MB: 300, timeout_ms: 5000}}\n"
        found = model(tmp_path, MODEL, metadata).model("m")
        assert (found.memory, found.timeout, found.version, found.description) == (300, 5000, "1.2", "Sums.")

    def test_metadata_says_how_containers_are_kept(self, tmp_path: Path) -> None:
        inference = "concurrency: 4, min_warm: 1, keep_alive_s: 3600"
        found = model(tmp_path, MODEL, f"resources: {{inference: {{{inference}}}}}").model("m")
        assert (found.concurrency, found.min_warm, found.keep_alive) == (4, 1, 3600)

    def test_a_model_that_answers_batches_is_given_several_calls_at_a_time(self, tmp_path: Path) -> None:
        source = "class Model:\n    def predict(self): ...\n    def predict_batch(self, calls): ...\n"
        assert model(tmp_path, source).model("m").concurrency == 32
        assert model(tmp_path, MODEL).model("m").concurrency == 1

    def test_metadata_of_deep_itself_is_read(self, tmp_path: Path) -> None:
        files = {
            "catalog__m__model.py": MODEL,
            "catalog__m__metadata.json": '{"summary": "Sums.", "keywords": []}',
        }
        assert project(tmp_path, **files).model("m").description == "Sums."

    def test_less_memory_than_any_server_gives_is_raised(self, tmp_path: Path) -> None:
        found = model(tmp_path, MODEL, "resources: {inference: {memory_MB: 1}}").model("m")
        assert found.memory == 128

    def test_a_bare_function_is_a_model(self, tmp_path: Path) -> None:
        assert model(tmp_path, "def predict(a: int) -> int:\n    return a\n").model("m").title == "m"

    def test_a_model_that_trains_says_so(self, tmp_path: Path) -> None:
        source = "class Model:\n    def predict(self): ...\n    def train(self): ...\n"
        assert model(tmp_path, source).model("m").trainable

    def test_a_model_that_comes_from_a_package_is_taken_at_its_word(self, tmp_path: Path) -> None:
        assert model(tmp_path, "from somewhere import Model\n").model("m").name == "m"

    def test_hidden_folders_and_files_are_no_models(self, tmp_path: Path) -> None:
        found = project(
            tmp_path, **{"catalog__.git__x": "", "catalog__README.md": "", "catalog__m__model.py": MODEL}
        )
        assert [model.name for model in found.models] == ["m"]

    @pytest.mark.parametrize(
        ("source", "metadata", "sentence"),
        [
            ("def other(): ...\n", "", "catalog/m/model.py has neither a class Model nor a function predict"),
            (
                "x = 1\nclass Model:\n    pass\n",
                "",
                "catalog/m/model.py:2: class Model has no method predict",
            ),
            ("async def predict(): ...\n", "", "catalog/m/model.py:1: predict is async; write a plain `def"),
            ("x = 1\ndef (\n", "", "catalog/m/model.py:2: this is not Python"),
            ("\0", "", "catalog/m/model.py.*: this is not Python"),
            (MODEL, "a: [", "catalog/m/ai4-metadata.yml:1: this is not YAML"),
            (
                MODEL,
                "title: a\nversion: ${HOME}/x",
                r"catalog/m/ai4-metadata.yml:2: version '\$\{HOME\}/x' is no tag of an image",
            ),
            (MODEL, "- a", "catalog/m/ai4-metadata.yml:1: the file must be a mapping, not a list"),
            (
                MODEL,
                "resources: {inference: {memory_MB: much}}",
                "ai4-metadata.yml: resources.inference.memory_MB must be a whole number, not 'much'",
            ),
        ],
    )
    def test_what_is_wrong_is_told_with_its_file(
        self, tmp_path: Path, source: str, metadata: str, sentence: str
    ) -> None:
        with pytest.raises(ProjectError, match=sentence):
            model(tmp_path, source, metadata)

    def test_a_folder_without_a_model_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(ProjectError, match=r"catalog/m/model.py is missing"):
            project(tmp_path, **{"catalog__m__notes.txt": ""})

    @pytest.mark.parametrize("name", ["Iris", "a b", "a--", "ä", "a.json"])
    def test_a_name_that_no_image_can_have_is_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(ProjectError, match="cannot name a model: use small letters"):
            project(tmp_path, **{f"catalog__{name}__model.py": MODEL})

    def test_a_file_that_is_not_utf_8_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "catalog" / "m").mkdir(parents=True)
        (tmp_path / "catalog" / "m" / "model.py").write_bytes(b"# \xff\n")
        with pytest.raises(ProjectError, match="not text in UTF-8"):
            read_project(tmp_path)


class TestActions:
    SOURCE = (
        '"""Talk."""\n\ndef hello(args):\n    """Greets."""\n\ndef _own(args): ...\n\ndef helper(a, b): ...\n'
    )

    def test_each_public_function_of_args_is_an_action(self, tmp_path: Path) -> None:
        [topic] = project(tmp_path, **{"actions__talk.py": self.SOURCE}).actions
        assert [(function.name, function.title) for function in topic.functions] == [("hello", "Greets.")]
        assert (topic.name, topic.file, topic.title) == ("talk", "actions/talk.py", "Talk.")

    def test_the_file_beside_it_holds_what_code_cannot_say(self, tmp_path: Path) -> None:
        beside = "inputs: {a: 1}\nactions:\n  hello: {limits: {timeout: 1000}}\n"
        [topic] = project(tmp_path, **{"actions__talk.py": self.SOURCE, "actions__talk.yaml": beside}).actions
        assert topic.settings["inputs"] == {"a": 1}
        assert topic.functions[0].settings == {"limits": {"timeout": 1000}}

    @pytest.mark.parametrize(
        ("beside", "sentence"),
        [
            (
                "actions:\n  gone: {}\n",
                r"actions/talk.yaml: actions: actions/talk.py has no function gone\(args\)",
            ),
            ("\nrules: {}\n", r"actions/talk.yaml:2: an actions file has no key 'rules'"),
            ("actions: {hello: {main: x}}\n", r"actions/talk.yaml:1: an action has no key 'main'"),
        ],
    )
    def test_what_is_wrong_there_is_told(self, tmp_path: Path, beside: str, sentence: str) -> None:
        with pytest.raises(ProjectError, match=sentence):
            project(tmp_path, **{"actions__talk.py": self.SOURCE, "actions__talk.yaml": beside})

    def test_a_folder_is_a_topic_as_a_file_is(self, tmp_path: Path) -> None:
        found = project(
            tmp_path,
            **{"actions/talk/__main__.py": self.SOURCE, "actions/talk/inner.py": "", "actions/talk.yaml": ""},
            **{"actions/data/notes.txt": "no topic"},
        )
        (topic,) = found.actions
        assert (topic.name, topic.file, topic.functions[0].name) == ("talk", "actions/talk", "hello")

    def test_a_file_and_a_folder_of_one_name_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ProjectError, match=r"both talk.py and talk/__main__.py"):
            project(tmp_path, **{"actions/talk/__main__.py": self.SOURCE, "actions/talk.py": self.SOURCE})


class TestTrainingTriggers:
    TRAINABLE = '"""Learns."""\nclass Model:\n    def predict(self): ...\n    def train(self): ...\n'
    SHARED: ClassVar = {
        "actions/training.py": "def submit(args): ...\ndef promote(args): ...\n",
        "triggers/feeds/objects.py": "def main(args): ...\n",
    }

    def test_a_trainable_model_brings_a_trigger_and_its_rule(self, tmp_path: Path) -> None:
        found = project(
            tmp_path, **{"catalog/m/model.py": self.TRAINABLE, "catalog/n/model.py": MODEL}, **self.SHARED
        )
        first, last = found.triggers
        assert (first.name, first.rules) == ("train-m", {"submit-m": "training/submit"})
        assert first.settings["inputs"] == {"model": "m", "via": "trigger"}
        assert (last.name, last.rules) == ("trained", {"promote-trained": "training/promote"})
        assert found.buckets() == {"deepwhisk-trainings"}

    def test_data_that_arrives_trains_a_model_whose_metadata_says_so(self, tmp_path: Path) -> None:
        told = "resources: {training: {on_data: true}}\n"
        found = project(
            tmp_path,
            **{"catalog/m/model.py": self.TRAINABLE, "catalog/m/ai4-metadata.yml": told},
            **self.SHARED,
        )
        trigger = {each.name: each for each in found.triggers}["train-m-data"]
        inputs = {"bucket": "datasets", "prefix": "m/", "payload": {"model": "m"}}
        assert trigger.settings["inputs"] == inputs
        assert found.buckets() == {"deepwhisk-trainings", "datasets"}

    def test_a_trigger_that_somebody_wrote_comes_first(self, tmp_path: Path) -> None:
        found = project(
            tmp_path,
            **{"catalog/m/model.py": self.TRAINABLE, "triggers/train-m.yaml": "rules: {r: a/b}\n"},
            **self.SHARED,
        )
        first, _ = found.triggers
        assert (first.name, first.rules) == ("train-m", {"r": "a/b"})

    def test_without_the_actions_or_the_feed_there_are_none(self, tmp_path: Path) -> None:
        files = {"catalog/m/model.py": self.TRAINABLE, "actions/training.py": "def submit(args): ...\n"}
        assert [each.name for each in project(tmp_path / "a", **files).triggers] == ["train-m"]
        del files["actions/training.py"]
        assert project(tmp_path / "b", **files).triggers == ()

    def test_what_is_neither_true_nor_false_is_told(self, tmp_path: Path) -> None:
        told = "resources: {training: {on_data: sometimes}}\n"
        files = {"catalog/m/model.py": self.TRAINABLE, "catalog/m/ai4-metadata.yml": told}
        with pytest.raises(ProjectError, match=r"catalog/m: resources\.training\.on_data must be true"):
            project(tmp_path, **files, **self.SHARED)


class TestTriggers:
    def test_rules_map_names_to_actions(self, tmp_path: Path) -> None:
        [trigger] = project(
            tmp_path, **{"triggers__t.yaml": "feed: feeds/objects\nrules: {r: s/x}\n"}
        ).triggers
        assert (trigger.name, dict(trigger.rules), dict(trigger.settings)) == (
            "t",
            {"r": "s/x"},
            {"feed": "feeds/objects"},
        )

    def test_buckets_are_found_however_deep(self, tmp_path: Path) -> None:
        text = "inputs: {bucket: a, payload: {results: {bucket: b}}, deadLetters: {bucket: c}}\n"
        assert project(tmp_path, **{"triggers__t.yaml": text}).buckets() == {"a", "b", "c"}

    def test_an_unknown_key_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(ProjectError, match=r"triggers/t.yaml:1: a trigger has no key 'fed'"):
            project(tmp_path, **{"triggers__t.yaml": "fed: x\n"})

    def test_an_unknown_key_of_a_sequence_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(ProjectError, match=r"sequences/s.yaml:1: a sequence has no key 'action'"):
            project(tmp_path, **{"sequences__s.yaml": "action: x\n"})
