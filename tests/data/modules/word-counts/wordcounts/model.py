"""The words of texts, counted: a class derived from the one of DEEPaaS."""

import collections
import enum
import re

import marshmallow
import numpy as np
from deepaas.model.v2 import base
from webargs import fields, validate


class Case(enum.Enum):
    kept = "kept"
    lower = "lower"


class Pattern(marshmallow.Schema):
    regex = fields.Str(load_default=r"\w+", metadata={"description": "What a word is"})
    least = fields.Int(load_default=1, validate=validate.Range(min=1))


class Answer(marshmallow.Schema):
    words = fields.List(fields.Str(), required=True)
    counts = fields.List(fields.Int(), required=True)
    mean = fields.Float(required=True)


class WordCounts(base.BaseModel):
    schema = Answer

    def __init__(self):
        self.ready = False

    def get_metadata(self):
        return {"author": "A. Linguist", "description": "Counts words", "version": "1.2.0", "ready": self.ready}

    def warm(self):
        self.ready = True

    def get_predict_args(self):
        return {
            "texts": fields.List(fields.Str(), required=True, metadata={"description": "Texts to be read"}),
            "pattern": fields.Nested(Pattern, load_default=lambda: Pattern().load({})),
            "aliases": fields.Dict(keys=fields.Str(), values=fields.Str(), load_default=dict),
            "case": fields.Enum(Case, load_default=Case.kept),
            "top": fields.Int(
                load_default=3,
                validate=validate.Range(min=1, max=100),
                metadata={"description": "How many words"},
            ),
            "password": fields.Str(
                load_default=None,
                allow_none=True,
                validate=validate.Length(min=4),
                metadata={"format": "password"},
            ),
            "broken": fields.Bool(load_default=False),
        }

    def predict(self, texts, pattern, aliases, case, top, password, broken):
        words = [word for text in texts for word in re.findall(pattern["regex"], text)]
        words = [aliases.get(word, word) for word in words if len(word) >= pattern["least"]]
        if case is Case.lower:
            words = [word.lower() for word in words]
        found = collections.Counter(words).most_common(top)
        answer = {
            "words": [word for word, _ in found],
            "counts": np.array([count for _, count in found]),
            "mean": np.float32(np.mean([len(word) for word in words])),
        }
        return {"nonsense": answer} if broken else answer

    def get_train_args(self):
        raise NotImplementedError

    def train(self, **kwargs):
        raise NotImplementedError
