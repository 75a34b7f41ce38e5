"""The model on LitServe."""

import sys
from typing import Any

import litserve
from iris import predict


class Iris(litserve.LitAPI):
    def setup(self, device: str) -> None:
        pass

    def decode_request(self, request: dict[str, float]) -> list[float]:
        return [request[name] for name in ("sepal_length", "sepal_width", "petal_length", "petal_width")]

    def predict(self, inputs: list[float]) -> dict[str, Any]:
        return predict(*inputs)

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return output


if __name__ == "__main__":
    server = litserve.LitServer(Iris(), accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[1]), generate_client_file=False, log_level="error", access_log=False)
