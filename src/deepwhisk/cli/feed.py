"""`deepwhisk feed`: the feeds of objects and of times, in the foreground; `up` starts them as a part."""

import os

import click

from deepwhisk.cli.logs import log_options
from deepwhisk.cli.options import host_option, state_option
from deepwhisk.cli.parts import feed_token
from deepwhisk.cli.stores import store_from
from deepwhisk.feeds.service import serve
from deepwhisk.feeds.settings import FeedSettings, Pace, Queue
from deepwhisk.settings import State


@click.command()
@click.option("--port", required=True, type=int, help="Port for webhooks and the feed action.")
@host_option
@click.option(
    "--apihost", required=True, envvar="DEEPWHISK_APIHOST", help="Address of the OpenWhisk to fire at."
)
@click.option(
    "--store",
    "store_url",
    required=True,
    envvar="DEEPWHISK_STORE_ENDPOINT",
    metavar="URL",
    help="The S3 store to watch. Its keys: DEEPWHISK_STORE_ACCESS_KEY, DEEPWHISK_STORE_SECRET_KEY.",
)
@click.option(
    "--source",
    "sources",
    multiple=True,
    type=click.Choice(["minio-listen"]),
    help="What tells of objects beside webhooks and listings.",
)
@click.option(
    "--queue",
    "queue_url",
    metavar="URL",
    help="An SQS queue that the bucket's notifications arrive in; boto3 finds its keys and region.",
)
@click.option(
    "--listing",
    default=Pace().listing,
    show_default=True,
    help="Seconds between two listings of a watched bucket.",
)
@log_options
@state_option
def feed(
    port: int,
    host: str,
    apihost: str,
    store_url: str,
    sources: tuple[str, ...],
    queue_url: str | None,
    listing: float,
    state: State,
) -> None:
    """Run the feeds of objects and of times alone."""
    state.make()
    settings = FeedSettings(
        ledger=state.folder / "feed" / "ledger.db",
        apihost=apihost,
        store=store_from(store_url, os.environ),
        port=port,
        host=host,
        token=feed_token(state),
        sources=(*sources, "sqs") if queue_url else sources,
        queue=Queue(queue_url, os.environ.get("AWS_REGION", "us-east-1")) if queue_url else None,
        pace=Pace(listing=listing),
    )
    serve(settings)
