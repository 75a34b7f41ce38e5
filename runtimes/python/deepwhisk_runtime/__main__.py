"""`python -m deepwhisk_runtime`: the container on port 8080."""

import argparse
import socket

from deepwhisk_runtime import door


def main() -> None:
    """Read the command line and open the door."""
    parser = argparse.ArgumentParser(prog="deepwhisk_runtime", description=__doc__)
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=8080)
    flags = parser.parse_args()
    with socket.create_server((flags.host, flags.port), backlog=128) as listener:
        door.serve(listener)


if __name__ == "__main__":
    main()
