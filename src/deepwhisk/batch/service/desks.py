"""The parts of the service put together: from a store, an OpenWhisk and sites to the desk.

Law: nothing here runs by itself, so that tests and tools may take the same steps by hand.
"""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deepwhisk.batch.clusters import Clusters, Open
from deepwhisk.batch.deployed import Models
from deepwhisk.batch.node.bundle import runtime_zip
from deepwhisk.batch.node.bundled import Bundle
from deepwhisk.batch.node.links import DAY, Links
from deepwhisk.batch.node.script import job_script
from deepwhisk.batch.plan import Planner
from deepwhisk.batch.reading import Reading
from deepwhisk.batch.reconcile import Reconciler
from deepwhisk.batch.records import Records
from deepwhisk.batch.service.desk import Desk
from deepwhisk.batch.sites import Site
from deepwhisk.batch.submission import Submission
from deepwhisk.batch.versions.arrivals import Arrivals
from deepwhisk.batch.versions.promotion import Promotions
from deepwhisk.batch.view import View
from deepwhisk.objects.store import Shelf
from deepwhisk.whisk import Whisk


@dataclass(frozen=True, slots=True)
class Around:
    """What a desk stands among."""

    store: Shelf
    whisk: Whisk
    sites: tuple[Site, ...]
    folder: Path
    open: Open
    bucket: str
    links: int = DAY
    threads: int = 16
    gather: float = 0.0  # seconds in which the rest of a sweep may follow


@contextmanager
def desk(around: Around) -> Iterator[Desk]:
    """The verbs over a store and its sites; its threads end with it."""
    with ThreadPoolExecutor(around.threads, "store") as threads, ThreadPoolExecutor(4, "sites") as groups:
        records = Records(around.store, around.bucket)
        promotions = Promotions(around.store, around.whisk, around.bucket)
        clusters = Clusters(around.sites, around.folder, around.open)
        planner = Planner(records, Models(around.whisk), Bundle(runtime_zip()[0]), promotions.versions)
        links, view = Links(records, around.links), View()
        identity = uuid.uuid4().hex[:12]
        submission = Submission(records, planner, links, clusters, threads, job_script(), identity)
        reconciler = Reconciler(records, view, clusters, submission, links, threads, groups, around.gather)
        arrivals = Arrivals(records, view, promotions)
        yield Desk(records, view, reconciler, promotions, Reading(records), arrivals)
