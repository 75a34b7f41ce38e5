"""The door of a container: `POST /init` and `POST /run` on a listening socket.

One thread, the main one, waits for all connections and runs one call at a time: calls never overlap, and
code that insists on the main thread (signals, some native libraries) works. Only a model that answers several
calls at once is asked from other threads, and that only by calls which find it at work. On SIGTERM or SIGINT
the calls under way are ended properly, then the door closes.
"""

import os
import selectors
import signal
import socket
import sys
import tempfile
from dataclasses import dataclass
from types import FrameType

from deepwhisk_runtime.beside import Beside
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
            Door(listener, alarm, ring, container).open()
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


@dataclass(frozen=True, slots=True)
class Asked:
    """What has come of one connection: requests, then perhaps what is none."""

    connection: Connection
    requests: list[Request]
    malformed: Malformed | None


class Door:
    """The loop over all connections."""

    def __init__(
        self, listener: socket.socket, alarm: socket.socket, ring: socket.socket, container: Container
    ) -> None:
        self._listener = listener
        self._alarm = alarm
        self._ring = ring
        self._container = container
        self._beside: Beside[Asked] | None = None  # once there is a model that answers several at once
        self._usage = Usage()
        self._at_rest = True
        self._last: Connection | None = None  # that was answered here
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
        ready = self._ready()
        rung, asked = False, list[Asked]()
        for key, _ in ready:
            if key.data is not None:
                asked += self._received(key.data)
            elif key.fileobj is self._listener:
                self._accept()
            else:
                rung = any(number in ENDING for number in self._alarm.recv(64))
        self._take_back()
        for each in asked:
            if self._container.together == 1 or (self._at_rest and len(asked) == 1):
                self._keep_or_close(each.connection, self._attend(each))
                self._last = each.connection
            else:
                self._give_away(each)
        return rung

    def _ready(self) -> list[tuple[selectors.SelectorKey, int]]:
        """Whoever is ready. At rest is a door that had to wait for it, or has it alone, still or again."""
        if self._container.together > 1:
            if waiting := self._selector.select(0):
                alone: Connection | None = waiting[0][0].data if len(waiting) == 1 else None
                goes_on = alone is not None and (alone.amid or alone is self._last)
                self._at_rest = self._at_rest and goes_on
                return waiting
            self._at_rest = self._beside is None or not self._beside.working
        return self._selector.select()

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # it went away before we came
        self._selector.register(client, selectors.EVENT_READ, Connection(client))

    def _received(self, connection: Connection) -> list[Asked]:
        """What a connection asks; nothing while a request is not whole, or when it has closed."""
        requests: list[Request] = []
        malformed = None
        try:
            keep = connection.receive()
            requests.extend(connection.requests() if keep else ())
        except Malformed as error:
            keep, malformed = True, error
        except OSError:
            keep = False
        self._keep_or_close(connection, keep)
        return [Asked(connection, requests, malformed)] if requests or malformed else []

    def _attend(self, asked: Asked, *, beside: bool = False) -> bool:
        """Answer all that was asked; False: the connection is to be closed."""
        answer = self._answer_beside if beside else self._answer
        try:
            if not all(answer(asked.connection, each) for each in asked.requests):
                return False
        except OSError:  # the client is gone, or does not read: nobody waits for the answer
            return False
        return asked.malformed is None or self._reject(asked.connection, asked.malformed)

    def _answer(self, connection: Connection, request: Request) -> bool:
        self._usage.begin()
        status, body = self._container.answer(request.method, request.path, request.body)
        connection.answer(status, body, request.keep, self._usage.end())
        return request.keep

    def _answer_beside(self, connection: Connection, request: Request) -> bool:
        """What one of several calls uses, nobody can tell."""
        status, body = self._container.answer(
            request.method, request.path, request.body, beside=connection.gone
        )
        connection.answer(status, body, request.keep)
        return request.keep

    def _give_away(self, asked: Asked) -> None:
        if self._beside is None:
            self._beside = Beside(2 * self._container.together, self._ring)
        self._selector.unregister(asked.connection.client)
        self._beside.give(asked, lambda given: self._attend(given, beside=True))

    def _take_back(self) -> None:
        for asked, keep in self._beside.done() if self._beside else ():
            self._selector.register(asked.connection.client, selectors.EVENT_READ, asked.connection)
            self._keep_or_close(asked.connection, keep)

    def _keep_or_close(self, connection: Connection, keep: bool) -> None:
        if not keep:
            self._selector.unregister(connection.client)
            connection.client.close()

    def _reject(self, connection: Connection, error: Malformed) -> bool:
        try:
            connection.answer(
                error.status, dumps({"error": f"The request cannot be read: {error}."}), keep=False
            )
        except OSError:
            return False  # it is being closed anyway
        return False

    def _close(self) -> None:
        if self._beside is not None:
            self._beside.close()
            self._take_back()
        self._usage.close()
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                key.data.client.close()
        self._selector.close()
