"""Which sites can take a job, best first: what fits, then waiting, then the place of the data, then price.

Law: a job is refused only when every site has said what it has, and with what each could give.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil

from deepwhisk.batch.runner import Offer, Resources
from deepwhisk.batch.sites import Site
from deepwhisk.batch.wanted import Wanted
from deepwhisk.errors import TrainingError

HOUR = 3600


@dataclass(frozen=True, slots=True)
class Found:
    """A site and what it said of itself; None where it did not answer."""

    site: Site
    offer: Offer | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A site that fits, and what is asked of it."""

    site: Site
    resources: Resources


class NoneReachable(TrainingError):
    """Raised when the sites that might take a job do not answer."""

    def __init__(self, message: str) -> None:
        super().__init__(message, 503)


def rank(found: Sequence[Found], wanted: Wanted, buckets: Iterable[str] = ()) -> list[Chosen]:
    """The sites that can take it, best first. Raises TrainingError when there are none."""
    asked = wanted.resources
    fitting = _fitting(found, asked)
    if not fitting and asked.gpus and not wanted.gpu_required:
        fitting = _fitting(found, replace(asked, gpus=0))
    if not fitting:
        raise _refusal(found, asked)
    near = frozenset(buckets)
    fitting.sort(
        key=lambda one: (waiting(one[0].offer, one[1]), not near & set(one[0].site.near), price(*one))
    )
    return [Chosen(one.site, resources) for one, resources in fitting]


def waiting(offer: Offer | None, asked: Resources) -> int:
    """Jobs before it; 0 where it can begin at once."""
    if offer is None:
        return 1 << 30
    free = offer.free_cpus >= asked.cpus and offer.free_gpus >= asked.gpus
    return 0 if free and not offer.waiting else 1 + offer.waiting


def price(found: Found, asked: Resources) -> float:
    """What it costs if it takes all its time."""
    return (found.site.cpu_hour * asked.cpus + found.site.gpu_hour * asked.gpus) * ceil(asked.time / HOUR)


def _fitting(found: Sequence[Found], asked: Resources) -> list[tuple[Found, Resources]]:
    """The sites that answered and fit, each with what it is asked for."""
    ready = [(one, _named(one.site, asked)) for one in found if one.offer]
    return [(one, resources) for one, resources in ready if not lacks(one, resources)]


def _named(site: Site, asked: Resources) -> Resources:
    """With the partition and account of the site, where none is asked for."""
    return replace(asked, partition=asked.partition or site.partition, account=asked.account or site.account)


def lacks(found: Found, asked: Resources) -> list[str]:
    """What the site cannot give, in words."""
    most, offer = found.site.most or {}, found.offer
    has: dict[str, tuple[int, int | None, int | None]] = {
        "CPUs": (asked.cpus, offer.cpus if offer else None, most.get("cpus")),
        "MB of memory": (asked.memory, offer.memory if offer else None, most.get("memory_MB")),
        "GPUs": (asked.gpus, offer.gpus if offer else None, most.get("gpus")),
        "seconds": (asked.time, offer.time if offer else None, most.get("time")),
    }
    lacking = [what for what, (need, *limits) in has.items() if need > _least(limits)]
    partitions = offer.partitions if offer else ()
    if asked.partition and partitions and asked.partition not in partitions:
        lacking.append(f"partition {asked.partition}")
    return lacking


def _least(limits: Iterable[int | None]) -> float:
    return min((limit for limit in limits if limit is not None), default=float("inf"))


def gives(found: Found) -> str:
    """What a site could give, in words."""
    most, offer = found.site.most or {}, found.offer
    if offer is None:
        return f"{found.site.name} does not answer ({found.reason})"
    cpus, memory = _least((offer.cpus, most.get("cpus"))), _least((offer.memory, most.get("memory_MB")))
    gpus, time = _least((offer.gpus, most.get("gpus"))), _least((offer.time, most.get("time")))
    long = "" if time == float("inf") else f" for {time:g} s"
    parts = f", partitions {', '.join(offer.partitions)}" if offer.partitions else ""
    return f"{found.site.name} could give {cpus:g} CPUs, {memory:g} MB and {gpus:g} GPUs{long}{parts}"


def _refusal(found: Sequence[Found], asked: Resources) -> TrainingError:
    gpus = f", {asked.gpus} GPUs" if asked.gpus else ""
    partition = f", partition {asked.partition}" if asked.partition else ""
    needs = f"{asked.cpus} CPUs, {asked.memory} MB{gpus} and {asked.time} s{partition}"
    said = "; ".join(gives(one) for one in found) or "there is no site"
    # What does not answer may fit, unless the file says that it cannot.
    if any(one.offer is None and not lacks(one, asked) for one in found):
        return NoneReachable(f"No site that answers can give {needs}: {said}.")
    return TrainingError(f"No site can give {needs}: {said}.")
