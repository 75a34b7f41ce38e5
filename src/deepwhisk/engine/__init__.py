"""An OpenWhisk for one machine: the REST API, its entities in SQLite, and containers that are processes.

Clients speak OpenWhisk's REST API and nothing else; nothing outside this package imports more than what is
named here.
"""

from deepwhisk.engine.app import create_app
from deepwhisk.engine.containers.node import Node
from deepwhisk.engine.kinds import Kinds
from deepwhisk.engine.limit_tables import Policy
from deepwhisk.engine.limits import Limits
from deepwhisk.engine.limits_file import PROFILES, read_policy
from deepwhisk.engine.pool import ProcessPool
from deepwhisk.engine.retention import Retention
from deepwhisk.engine.service import Service, running, serve

__all__ = [
    "PROFILES",
    "Kinds",
    "Limits",
    "Node",
    "Policy",
    "ProcessPool",
    "Retention",
    "Service",
    "create_app",
    "read_policy",
    "running",
    "serve",
]
