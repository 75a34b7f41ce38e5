"""What a module of the V2 API imports."""

from deepaas.model.v2 import base, wrapper

__all__ = ["base", "wrapper"]
