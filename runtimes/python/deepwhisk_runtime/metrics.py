"""What a model has done, in the text format of Prometheus."""

from deepwhisk_runtime.served import Served

PHASES = ("arguments", "predict", "result")


def text(service: Served) -> str:
    """All figures of one model."""
    label = f'{{model="{service.name}"}}'
    counts = service.counts
    lines = [
        *measure("deepwhisk_load_seconds", "gauge", "How long the model took to load."),
        f"deepwhisk_load_seconds{label} {counts.loaded_in:.6f}",
        *measure("deepwhisk_predictions_total", "counter", "Predictions asked for."),
        f"deepwhisk_predictions_total{label} {counts.predictions}",
        *measure("deepwhisk_prediction_seconds_total", "counter", "Time spent on predictions."),
        f"deepwhisk_prediction_seconds_total{label} {counts.seconds:.6f}",
        *measure(
            "deepwhisk_faults_total", "counter", "Predictions that failed, by the phase they failed in."
        ),
        *(
            f'deepwhisk_faults_total{{model="{service.name}",phase="{phase}"}} {counts.faults.get(phase, 0)}'
            for phase in PHASES
        ),
    ]
    return "\n".join(lines) + "\n"


def measure(name: str, kind: str, about: str) -> tuple[str, str]:
    """The two lines that introduce a measure."""
    return f"# HELP {name} {about}", f"# TYPE {name} {kind}"
