"""Every error this package raises on purpose.

A message says what happened, with which value, and what to do next; the command line prints it as it is.

    DeepwhiskError
    ├── SettingsError        a setting or flag cannot be used
    ├── ProjectError         a content folder says something wrong
    │   └── ManifestError    a manifest breaks wskdeploy's grammar
    ├── WhiskError           an OpenWhisk endpoint refused, with its HTTP status
    │   └── WhiskUnreachable no OpenWhisk endpoint answered
    ├── StoreError           an object store refused
    │   ├── ObjectMissing    … because there is no such object or bucket
    │   ├── ObjectExists     … because a conditional write found one
    │   └── StoreUnreachable … no store answered
    ├── FeedError            a subscription cannot be made or kept
    ├── TrainingError        a training cannot be taken, changed or found, with the HTTP status that says so
    ├── RunnerError          a batch runner did not do it
    │   ├── RunnerRefused    … and will not: no such partition, too much memory, no right to
    │   └── RunnerUnreachable … for now; whether it has done it must be asked
    ├── PredictionFailed     a model did not answer, or not as expected
    ├── TrainingRefused      an action of trainings said no, and why
    ├── EnvironmentFailed    packages or weights of an action could not be made
    ├── ImageFailed          an image of a model could not be built or pushed
    ├── ContainerFailed      no container could be started for an action
    │   └── ImageMissing     … because there is no way to its image here
    └── ServiceError         a part of `deepwhisk up` did not start or stop
"""


class DeepwhiskError(Exception):
    """Root of the tree; never raised itself."""

    exit_code = 1


class SettingsError(DeepwhiskError):
    """Raised when a setting or flag has a value that cannot be used."""

    exit_code = 2


class ProjectError(DeepwhiskError):
    """Raised when a content folder is missing something or says something wrong; names file and key."""


class ManifestError(ProjectError):
    """Raised when a manifest breaks wskdeploy's grammar; names file, line and key."""


class WhiskError(DeepwhiskError):
    """Raised when an OpenWhisk endpoint answers with an error.

    `status` is the HTTP status, `code` the transaction id (absent for an application error).
    """

    def __init__(self, message: str, status: int = 0, code: str | None = None, body: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.body = body


class WhiskUnreachable(WhiskError):
    """Raised when no OpenWhisk endpoint answers at the given address."""


class StoreError(DeepwhiskError):
    """Raised when an object store refuses a request."""


class ObjectMissing(StoreError):
    """Raised when a bucket or key does not exist."""


class ObjectExists(StoreError):
    """Raised when a write with `If-None-Match: *` finds an object under its key."""


class StoreUnreachable(StoreError):
    """Raised when no object store answers at the given address."""


class FeedError(DeepwhiskError):
    """Raised when a subscription cannot be made or kept; `status` is the HTTP status that says so."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class TrainingError(DeepwhiskError):
    """Raised when a training cannot be taken, changed or found; `status` is the HTTP status that says so."""

    def __init__(self, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.status = status


class RunnerError(DeepwhiskError):
    """Raised when a batch runner did not do what it was asked."""


class RunnerRefused(RunnerError):
    """Raised when a runner will never do it; says what it said."""


class RunnerUnreachable(RunnerError):
    """Raised when a runner did not answer; it may have done what it was asked all the same."""


class PredictionFailed(DeepwhiskError):
    """Raised when a model answers with an error, or not as its example expects; says what the model said."""


class TrainingRefused(DeepwhiskError):
    """Raised when an action of the package `training` refuses; its text is the action's own sentence."""


class EnvironmentFailed(DeepwhiskError):
    """Raised when the packages or weights of an action could not be made; carries the tail of the log."""


class ImageFailed(DeepwhiskError):
    """Raised when an image of a model could not be built or pushed; carries the tail of what Docker said."""


class ContainerFailed(DeepwhiskError):
    """Raised when the machine or the platform cannot start a container; not the action's fault."""


class ImageMissing(ContainerFailed):
    """Raised when there is no way to an image here."""

    def __init__(self, image: str, message: str) -> None:
        super().__init__(message)
        self.image = image


class ServiceError(DeepwhiskError):
    """Raised when a part of `deepwhisk up` does not start, or does not stop."""
