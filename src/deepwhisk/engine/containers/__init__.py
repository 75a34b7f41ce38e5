"""Drivers: each makes containers of one sort."""
