"""What the API takes."""

import marshmallow
from webargs import ValidationError, fields, validate

from . import config


class ModelName(fields.String):
    """A model that is there."""

    def _deserialize(self, value, attr, data, **kwargs):
        if value not in [each.name for each in config.MODELS_PATH.iterdir()]:
            raise ValidationError(f"Checkpoint `{value}` not found.")
        return str(config.MODELS_PATH / value)


class PredArgsSchema(marshmallow.Schema):
    class Meta:
        ordered = True

    model_name = ModelName(metadata={"description": "Name of a model."}, required=True)
    hours = fields.List(
        fields.Float(), load_default=[0.0, 6.21], metadata={"description": "Hours since high water"}
    )
    accept = fields.String(
        metadata={"description": "Return format.", "location": "headers"},
        required=True,
        validate=validate.OneOf(["application/json", "text/csv"]),
    )


class TrainArgsSchema(marshmallow.Schema):
    class Meta:
        ordered = True

    model_name = fields.Str(metadata={"description": "Name of the new model."}, required=True)
    epochs = fields.Integer(load_default=3, validate=validate.Range(min=1))
    pause = fields.Float(load_default=0.01, metadata={"description": "Seconds that an epoch takes"})
