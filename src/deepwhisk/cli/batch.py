"""`deepwhisk batch`: the service of trainings, in the foreground; `up` starts it as a part."""

import os
from pathlib import Path

import click

from deepwhisk.batch.service.process import serve
from deepwhisk.batch.service.settings import BatchSettings, Pace
from deepwhisk.batch.sites import read_sites
from deepwhisk.cli.logs import log_options
from deepwhisk.cli.options import host_option, sites_option, state_option
from deepwhisk.cli.parts import batch_token
from deepwhisk.cli.stores import store_from
from deepwhisk.settings import State, cache_folder, find_endpoint


@click.command()
@click.option("--port", required=True, type=int, help="Port for the actions of the package `training`.")
@host_option
@click.option("--apihost", envvar="DEEPWHISK_APIHOST", help="Address of the OpenWhisk that models are on.")
@click.option("--auth", envvar="DEEPWHISK_AUTH", help="Key of its namespace. [default: from wskprops]")
@click.option(
    "--store",
    "store_url",
    required=True,
    envvar="DEEPWHISK_STORE_ENDPOINT",
    metavar="URL",
    help="The S3 store of trainings. Its keys: DEEPWHISK_STORE_ACCESS_KEY, DEEPWHISK_STORE_SECRET_KEY.",
)
@sites_option
@click.option(
    "--look",
    default=Pace().quick,
    show_default=True,
    help="Seconds between two looks at the jobs under way.",
)
@log_options
@state_option
def batch(
    port: int,
    host: str,
    apihost: str | None,
    auth: str | None,
    store_url: str,
    sites: Path,
    look: float,
    state: State,
) -> None:
    """Run the service of trainings alone."""
    state.make()
    endpoint = find_endpoint(apihost, auth, state, os.environ)
    settings = BatchSettings(
        folder=state.folder / "batch",
        apihost=endpoint.apihost,
        auth=endpoint.auth,
        store=store_from(store_url, os.environ),
        port=port,
        host=host,
        token=batch_token(state),
        sites=read_sites(sites),
        local={"cache": str(cache_folder(os.environ)), "variables": dict(os.environ)},
        pace=Pace(quick=look),
    )
    serve(settings)
