"""Which site takes a job."""

import pytest

from deepwhisk.batch.placement import Found, NoneReachable, rank
from deepwhisk.batch.runner import Offer, Resources
from deepwhisk.batch.sites import Site
from deepwhisk.batch.wanted import Wanted
from deepwhisk.errors import TrainingError

IDLE = Offer(8, 16000, 0, 86400, ("short", "long"), 0, 8, 0)
BUSY = Offer(8, 16000, 0, 86400, ("short", "long"), 7, 0, 0)
GPUS = Offer(8, 16000, 2, None, (), 3, 0, 0)


def site(name: str, offer: Offer | None = IDLE, **said: object) -> Found:
    return Found(Site(name, "local:", **said), offer, "" if offer else "no route")  # type: ignore[arg-type]


def ranked(
    *found: Found, buckets: tuple[str, ...] = (), required: bool = False, **asked: object
) -> list[str]:
    wanted = Wanted(Resources(**asked), required)  # type: ignore[arg-type]
    return [chosen.site.name for chosen in rank(found, wanted, buckets)]


def test_only_hardware_that_fits_is_asked() -> None:
    assert ranked(site("a"), site("b", GPUS), gpus=2, required=True) == ["b"]
    assert ranked(site("a"), site("b", most={"memory_MB": 500}), memory=1000) == ["a"]
    assert ranked(site("a"), site("b", GPUS), time=100_000) == ["b"]


def test_who_begins_at_once_comes_first_then_who_has_the_data_then_the_cheapest() -> None:
    dear, cheap = site("dear", cpu_hour=1), site("cheap", cpu_hour=0.1)

    assert ranked(site("busy", BUSY), dear, cheap) == ["cheap", "dear", "busy"]
    near = site("near", cpu_hour=5, near=("pictures",))
    assert ranked(cheap, near, buckets=("pictures",)) == ["near", "cheap"]
    assert ranked(near, cheap, buckets=("other",)) == ["cheap", "near"]


def test_sites_that_are_alike_stay_in_the_order_of_the_file() -> None:
    assert ranked(site("b"), site("a"), site("c")) == ["b", "a", "c"]


def test_a_gpu_is_preferred_and_done_without_unless_it_must_be() -> None:
    assert ranked(site("plain"), site("gpu", GPUS), gpus=1) == ["gpu"]
    (chosen,) = rank([site("plain")], Wanted(Resources(gpus=1)))
    assert chosen.resources.gpus == 0
    with pytest.raises(TrainingError, match="1 GPUs"):
        ranked(site("plain"), gpus=1, required=True)


def test_a_site_names_partition_and_account_where_nobody_does() -> None:
    (chosen,) = rank([site("a", partition="long", account="deep")], Wanted(Resources()))
    (asked,) = rank([site("a", partition="long")], Wanted(Resources(partition="short")))

    assert (chosen.resources.partition, chosen.resources.account) == ("long", "deep")
    assert asked.resources.partition == "short"
    with pytest.raises(TrainingError, match="partition night"):
        ranked(site("a"), partition="night")


def test_a_refusal_says_what_every_site_could_give() -> None:
    with pytest.raises(TrainingError) as caught:
        ranked(site("a"), site("b", GPUS, most={"cpus": 4}), cpus=100)

    said = str(caught.value)
    assert "No site can give 100 CPUs" in said
    assert "a could give 8 CPUs, 16000 MB and 0 GPUs for 86400 s, partitions short, long" in said
    assert "b could give 4 CPUs, 16000 MB and 2 GPUs" in said
    assert caught.value.status == 422


def test_nothing_is_refused_for_a_site_that_does_not_answer_and_might_do() -> None:
    with pytest.raises(NoneReachable, match="far does not answer"):
        ranked(site("a"), site("far", None), cpus=100)
    with pytest.raises(TrainingError) as caught:
        ranked(site("a"), site("far", None, most={"cpus": 64}), cpus=100)
    assert not isinstance(caught.value, NoneReachable)


def test_a_site_that_does_not_answer_is_passed_over() -> None:
    assert ranked(site("far", None), site("a")) == ["a"]
