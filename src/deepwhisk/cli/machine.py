"""One machine's store, engine, feed and trainings, composed: what `up` and `demo` start, watch and end."""

import json
import os
import shlex
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from rich.markup import escape

from deepwhisk.cli.common import err
from deepwhisk.cli.containers import Containers
from deepwhisk.cli.deploy import deploy_all
from deepwhisk.cli.parts import batch_part, engine_part, feed_part, feed_token, store_part
from deepwhisk.cli.ports import Ports, choose_ports
from deepwhisk.cli.progress import await_environments, showing
from deepwhisk.cli.running import Running
from deepwhisk.cli.stores import make_buckets, store_from, variables
from deepwhisk.errors import ProjectError, ServiceError
from deepwhisk.examples import read_examples
from deepwhisk.locks import taken
from deepwhisk.manifest import Origin, find_origin
from deepwhisk.objects.seaweed import Seaweed
from deepwhisk.objects.seaweed_folder import Webhook
from deepwhisk.objects.store import StoreSettings
from deepwhisk.project import Project
from deepwhisk.services import Services
from deepwhisk.settings import State, find_endpoint, read_wskprops
from deepwhisk.system import deploy_system, packages_at
from deepwhisk.whisk import Whisk

WATCH_SECONDS = 0.2
HOLD_SECONDS = 1.0  # whoever reads who runs holds the lock for a moment
HINTS = """[green]Ready[/] at {apihost}. Try, in another terminal:
  deepwhisk models                 what is deployed
  {predict}
  deepwhisk status                 how its parts are
  WSK_CONFIG_FILE={wskprops} wsk list
{listed}The store is {store}. {watched}
Ctrl-C ends it."""


class Machine:
    """The parts in one state folder; a context manager that leaves no process behind."""

    def __init__(
        self,
        state: State,
        host: str,
        port: int,
        store_url: str | None,
        containers: Containers,
        engine: Sequence[str] = (),
    ) -> None:
        """ENGINE is what `deepwhisk engine` is told beside state, host, port and CONTAINERS."""
        self.state = state
        self._engine = engine
        self._containers = containers
        self._services = Services()
        self._host, self._port, self._store_url = host, port, store_url
        self._seaweed: Seaweed | None = None
        self._lock: IO[str] | None = None
        self._ports: Ports | None = None
        self.running: Running
        self.store: StoreSettings
        self.whisk: Whisk

    def __enter__(self) -> "Machine":
        self.state.make()
        self._lock = _hold(self.state)
        self.state.running.unlink(missing_ok=True)  # of one that was killed
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._services.stop()
        if self._seaweed is not None:
            self._seaweed.tidy()
        self.state.running.unlink(missing_ok=True)
        if self._ports is not None:
            self._ports.release()
        if self._lock is not None:
            self._lock.close()

    def start(self, project: Project, origin: Origin | None = None) -> None:
        """Start the parts, deploy the project, or ORIGIN of it; return when everything answers."""
        self._ports = choose_ports(self.state, self._host, self._port)
        with err.status("Starting store, engine, feed and trainings …"):
            self._start_parts(self._ports)
            self._deploy_system()
            make_buckets(self.store, project)
        with showing(self.whisk.apihost) as progress:
            deploy_all(self.whisk, origin or find_origin(project.folder), self.environment, progress)
            await_environments(self.whisk.apihost)
        self._services.wait("batch")
        self.running = self.running.now_ready()
        self.running.write(self.state)

    def _start_parts(self, ports: Ports) -> None:
        near = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._host, self._host)
        apihost, feed_url = f"http://{near}:{ports.engine}", f"http://127.0.0.1:{ports.feed}"
        batch_url = f"http://127.0.0.1:{ports.batch}"
        inside = self._containers.inside(os.environ)
        self._start_store(feed_url)
        containers = self._containers.lending(feed_url, batch_url, self.store.endpoint)
        told = [*self._engine, *containers.words()]
        self._services.start(engine_part(self.state, self._host, ports.engine, apihost, told))
        self._services.start(feed_part(self.state, ports.feed, apihost, self.store))
        for running in self._services:
            self._services.wait(running.part.name)
        if self._seaweed is not None:
            self._seaweed.wait_ready()
        endpoint = find_endpoint(None, None, self.state, {})
        self.whisk = Whisk(endpoint.apihost, endpoint.auth)
        self._services.start(batch_part(self.state, ports.batch, endpoint, self.store))
        self.running = Running(
            os.getpid(),
            apihost,
            self.store.endpoint,
            feed_url,
            batch_url,
            inside,
            ready=False,
        )
        self.running.write(self.state)

    def _deploy_system(self) -> None:
        key = read_wskprops(self.state.wskprops_system)["AUTH"]
        deploy_system(Whisk(self.whisk.apihost, key), packages_at(self.running.within(self.running.feed)))

    def _start_store(self, feed_url: str) -> None:
        if self._store_url is not None:
            self.store = store_from(self._store_url, os.environ)
            return
        webhook = Webhook(f"{feed_url}/hooks/seaweed", feed_token(self.state))
        self._seaweed = Seaweed(self.state.folder / "store", webhook=webhook)
        self._seaweed.prepare()
        self._services.start(store_part(self._seaweed, self.state))
        self.store = self._seaweed.settings

    @property
    def environment(self) -> dict[str, str]:
        """What `$NAME` means in this project's manifest on this machine."""
        return {**os.environ, **variables(self.store, self.running, self.state)}

    def hints(self, project: Project) -> str:
        """What to try next, in this project's names."""
        watched = [
            f"What is put into its bucket {trigger.settings['inputs']['bucket']} fires {trigger.name}."
            for trigger in project.triggers
            if "bucket" in trigger.settings.get("inputs", {})
        ]
        return HINTS.format(
            apihost=self.running.apihost,
            predict=escape(first_call(project)),
            wskprops=self.state.wskprops,
            listed=self._listed(project),
            store=self.store.endpoint,
            watched=" ".join(watched) + self._events_of_another_store(),
        )

    def _listed(self, project: Project) -> str:
        """Where the page of deployed models is, if the project has one."""
        if "services" not in [topic.name for topic in project.actions]:
            return ""
        page = f"{self.running.apihost}/api/v1/web/{self.whisk.namespace()}/services/services.html"
        return f"The models and how they are: {page}\n"

    def _events_of_another_store(self) -> str:
        if self._seaweed is not None:
            return ""
        hook, token = f"{self.running.feed}/hooks/minio", self.state.folder / "feed" / "token"
        return f"\nIt is listed every minute; to be quick, let it post events to {hook}, token in {token}."

    def watch(self) -> None:
        """Keep the parts alive until interrupted."""
        while True:
            for sentence in self._services.mend():
                err.print(f"[yellow]{sentence}[/]")
            time.sleep(WATCH_SECONDS)


def first_call(project: Project) -> str:
    """A command that works as it stands: one of the models, asked with its first example."""
    for model in reversed(project.models):
        with suppress(ProjectError):  # `up` is not for saying what is wrong with examples
            for example in read_examples(model.folder)[:1]:
                given = [word for name, value in example.input.items() for word in _typed(name, value)]
                return shlex.join(["deepwhisk", "predict", model.name, *given])
    return "deepwhisk predict NAME -i ARGUMENT=VALUE" if project.models else "deepwhisk new model NAME"


def _typed(name: str, value: Any) -> list[str]:
    """An argument as one types it; of several files, each on its own."""
    if isinstance(value, list) and any(isinstance(each, Path) for each in value):
        return [word for each in value for word in _typed(name, each)]
    text = f"@{os.path.relpath(value)}" if isinstance(value, Path) else value
    return ["-i", f"{name}={text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)}"]


def _hold(state: State) -> IO[str]:
    """Hold the state folder. Raises ServiceError when another `up` does."""
    lock = state.lock.open("a")
    deadline = time.monotonic() + HOLD_SECONDS
    while not taken(lock.fileno()):
        other = Running.read(state)
        if other is not None or time.monotonic() > deadline:
            lock.close()
            who = f"process {other.pid}, {other.apihost}" if other else "another process"
            raise ServiceError(
                f"`deepwhisk up` already runs in {state.folder} ({who}). See it with `deepwhisk status`, "
                "end it with `deepwhisk down`, or give this one its own --state."
            )
        time.sleep(0.02)
    return lock
