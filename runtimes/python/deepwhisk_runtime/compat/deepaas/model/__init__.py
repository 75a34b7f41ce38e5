"""The versions of the API that a module can be written for: the one there is."""

from deepaas.model import v2

__all__ = ["v2"]
