"""The class that a module may derive its model from."""

import abc
from typing import Any


class BaseModel(abc.ABC):
    """A model with everything that the V2 API asks of one."""

    @abc.abstractmethod
    def get_metadata(self) -> Any:
        """What is told of the model."""
        raise NotImplementedError

    @abc.abstractmethod
    def get_predict_args(self) -> Any:
        """The arguments of `predict`, as fields."""
        raise NotImplementedError

    @abc.abstractmethod
    def predict(self, **kwargs: Any) -> Any:
        """A prediction."""
        raise NotImplementedError

    @abc.abstractmethod
    def get_train_args(self) -> Any:
        """The arguments of `train`, as fields."""
        raise NotImplementedError

    @abc.abstractmethod
    def train(self, **kwargs: Any) -> Any:
        """A training."""
        raise NotImplementedError

    @abc.abstractmethod
    def warm(self) -> Any:
        """Get ready for the first prediction."""
        raise NotImplementedError
