"""Says in which of 139 languages a text is written.

py3langid: naive Bayes over byte sequences. A text that is too short to tell is `und`, undetermined.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from py3langid.langid import MODEL_FILE, LanguageIdentifier
from pydantic import Field

NAMES = Path(__file__).with_name("languages.json")
SURE = 0.2  # below it, py3langid's authors advise to abstain


@dataclass
class Identification:
    """The language, and the likeliest ones as ISO 639 codes, best first."""

    language: str
    name: str
    probability: float
    labels: list[str]
    probabilities: list[float]


class Model:
    def load(self) -> None:
        self.identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        self.names: dict[str, str] = json.loads(NAMES.read_text(encoding="utf-8"))

    def predict(
        self,
        text: Annotated[str, Field(max_length=1_000_000, description="Text, a sentence or more")],
        top: Annotated[int, Field(ge=1, le=20, description="How many languages to name")] = 3,
    ) -> Identification:
        if not any(map(str.isalpha, text)):
            raise ValueError(f"There are no letters in {text[:40]!r}. Send some text, a sentence or more.")
        languages, probabilities = zip(*self.identifier.rank(text)[:top], strict=True)
        language, name = languages[0], self.names[languages[0]]
        if probabilities[0] < SURE:
            language, name = "und", "undetermined"
        return Identification(language, name, probabilities[0], list(languages), list(probabilities))
