"""What modules import of DEEPaaS, where that is not installed: names and shapes, no server."""

__version__ = "2.6.0"  # whose names these are
