"""Node.js containers: a fork of the base's zygote that turns into the program in `runtimes/nodejs`.

So a container of Node.js is begun, limited, watched and ended as one of Python; only what it runs differs.
"""

from dataclasses import dataclass
from pathlib import Path

from deepwhisk.engine.containers.zygote import SEARCH
from deepwhisk.engine.invocation import Executable
from deepwhisk.engine.kinds import IMAGE, NODEJS

_HERE = Path(__file__).parent
# Beside this file in a wheel; in a checkout where it is written.
_PROGRAMS = (_HERE / "nodejs" / "main.cjs", _HERE.parents[3] / "runtimes" / "nodejs" / "main.cjs")
_DOOR = "fd:3"  # where whatever a container turns into finds the socket it listens on


@dataclass(frozen=True, slots=True)
class Node:
    """The Node.js of this machine."""

    binary: Path

    @classmethod
    def found(cls, binary: str | None) -> "Node | None":
        """From what PATH says, if it says anything."""
        return None if binary is None else cls(Path(binary).absolute())

    def command(self, executable: Executable) -> list[str]:
        """Its heap may be what the container may use; without that it collects no garbage in time."""
        heap = f"--max-old-space-size={executable.memory}"
        return [str(self.binary), heap, str(program()), _DOOR]

    def variables(self) -> dict[str, str]:
        """An action finds the same node, and what is installed beside it."""
        return {"PATH": f"{self.binary.parent}:{SEARCH}"}


def wants_node(executable: Executable) -> bool:
    image = (executable.image or "").removeprefix("docker.io/").partition(":")[0]
    return executable.kind == NODEJS or image == IMAGE.format("nodejs")


def program() -> Path:
    return next(path for path in _PROGRAMS if path.exists())
