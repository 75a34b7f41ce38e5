"""A training that reports by callbacks."""

import json
import time


class Callback:
    def on_epoch_end(self, epoch, logs):
        raise NotImplementedError


class Printer(Callback):
    def on_epoch_end(self, epoch, logs):
        print(f"epoch {epoch}: loss {logs['loss']:.3f}", flush=True)


class Checkpoint(Callback):
    def __init__(self, folder):
        self.folder = folder

    def on_epoch_end(self, epoch, logs):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "weights.json").write_text(json.dumps({"amplitude": 1 + logs["loss"], "period": 12.42}))


def fit(epochs, pause, callbacks):
    history = []
    for epoch in range(epochs):
        time.sleep(pause)
        logs = {"loss": 1 / (epoch + 1)}
        history.append(logs["loss"])
        for callback in callbacks:
            callback.on_epoch_end(epoch, logs)
    return history
