"""The door of a container: `POST /init` and `POST /run` on a listening socket.

One thread, the main one, waits for all connections and runs one call at a time: calls never overlap, and
code that insists on the main thread (signals, some native libraries) works. On SIGTERM or SIGINT the call
under way is ended properly, then the door closes.
"""

import os
import selectors
import signal
import socket
import sys
import tempfile
from types import FrameType

from deepwhisk_runtime.container import Container
from deepwhisk_runtime.jsontext import dumps
from deepwhisk_runtime.usage import Usage
from deepwhisk_runtime.wire import Connection, Malformed, Request

ENDING = (signal.SIGTERM, signal.SIGINT)


def serve(listener: socket.socket) -> None:
    """Answer on `listener` until SIGTERM; call it in the main thread."""
    tempfile.tempdir = None  # a fork of a zygote has a TMPDIR of its own
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    alarm, ring = socket.socketpair()
    alarm.setblocking(False)
    ring.setblocking(False)
    before = {number: signal.signal(number, _note) for number in ENDING}
    signal.set_wakeup_fd(ring.fileno(), warn_on_full_buffer=False)
    try:
        with Container() as container, alarm, ring:
            Door(listener, alarm, container).open()
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; the program ends with a sentence when there can be none."""
    try:
        return socket.create_server((host, port), backlog=128)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        sys.exit(f"Port {port} of {host} cannot be listened on: {reason}. Name another with --port.")


def _note(number: int, frame: FrameType | None) -> None:
    """Nothing: the number reaches the loop through the wakeup descriptor."""


class Door:
    """The loop over all connections."""

    def __init__(self, listener: socket.socket, alarm: socket.socket, container: Container) -> None:
        self._listener = listener
        self._alarm = alarm
        self._container = container
        self._usage = Usage()
        self._selector = selectors.DefaultSelector()

    def open(self) -> None:
        """Answer until the alarm rings."""
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._alarm, selectors.EVENT_READ)
        try:
            while not self._answer_whoever_is_ready():
                pass
        finally:
            self._close()

    def _answer_whoever_is_ready(self) -> bool:
        rung = False
        for key, _ in self._selector.select():
            if key.data is not None:
                self._attend(key.data)
            elif key.fileobj is self._listener:
                self._accept()
            else:
                rung = any(number in ENDING for number in self._alarm.recv(64))
        return rung

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # it went away before we came
        self._selector.register(client, selectors.EVENT_READ, Connection(client))

    def _attend(self, connection: Connection) -> None:
        try:
            keep = connection.receive() and all(
                self._answer(connection, each) for each in connection.requests()
            )
        except Malformed as error:
            keep = self._reject(connection, error)
        except OSError:  # the client is gone, or does not read: nobody waits for the answer
            keep = False
        if not keep:
            self._selector.unregister(connection.client)
            connection.client.close()

    def _answer(self, connection: Connection, request: Request) -> bool:
        self._usage.begin()
        status, body = self._container.answer(request.method, request.path, request.body)
        connection.answer(status, body, request.keep, self._usage.end())
        return request.keep

    def _reject(self, connection: Connection, error: Malformed) -> bool:
        try:
            connection.answer(
                error.status, dumps({"error": f"The request cannot be read: {error}."}), keep=False
            )
        except OSError:
            return False  # it is being closed anyway
        return False

    def _close(self) -> None:
        self._usage.close()
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                key.data.client.close()
        self._selector.close()
