"""An OpenWhisk for one machine: the REST API, its entities in SQLite, and containers: processes or images.

Clients speak OpenWhisk's REST API and nothing else; nothing outside this package imports more than what is
named here.
"""

from deepwhisk.engine.app import create_app
from deepwhisk.engine.containers.chooser import DOCKER, PROCESS, UDOCKER, MakeDriver
from deepwhisk.engine.containers.docker import DockerDriver
from deepwhisk.engine.containers.docker_api import Docker, DockerOptions
from deepwhisk.engine.containers.node import Node
from deepwhisk.engine.containers.udocker import UdockerDriver
from deepwhisk.engine.containers.udocker_program import find as find_udocker
from deepwhisk.engine.kinds import Kinds
from deepwhisk.engine.limit_tables import Policy
from deepwhisk.engine.limits import Limits
from deepwhisk.engine.limits_file import PROFILES, read_policy
from deepwhisk.engine.pool import MachinePool
from deepwhisk.engine.retention import Retention
from deepwhisk.engine.service import Service, running, serve

__all__ = [
    "DOCKER",
    "PROCESS",
    "PROFILES",
    "UDOCKER",
    "Docker",
    "DockerDriver",
    "DockerOptions",
    "Kinds",
    "Limits",
    "MachinePool",
    "MakeDriver",
    "Node",
    "Policy",
    "Retention",
    "Service",
    "UdockerDriver",
    "create_app",
    "find_udocker",
    "read_policy",
    "running",
    "serve",
]
