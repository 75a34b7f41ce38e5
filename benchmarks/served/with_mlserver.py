"""The model on MLServer: `mlserver start` in a folder whose model-settings.json names this class."""

from iris import predict
from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput


class Iris(MLModel):
    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        found = predict(*payload.inputs[0].data)
        outputs = [
            ResponseOutput(name="labels", shape=[3], datatype="BYTES", data=list(found["labels"])),
            ResponseOutput(name="probabilities", shape=[3], datatype="FP64", data=found["probabilities"]),
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)
