"""`deepwhisk import`: a DEEPaaS module becomes a folder of the catalog."""

import click

from deepwhisk.cli.common import err
from deepwhisk.cli.content import own_project
from deepwhisk.modules import import_module


@click.command(name="import")
@click.argument("source", metavar="PATH|PACKAGE")
@click.option("--name", help="Its name in the catalog; the entry point's if absent.")
@click.option("--entry", help="Which of several entry points.")
@click.option(
    "--without", multiple=True, metavar="PACKAGE", help="Leave a requirement out; may be given again."
)
def import_(source: str, name: str | None, entry: str | None, without: tuple[str, ...]) -> None:
    """Make catalog/NAME of a DEEPaaS module, served as it is.

    The module is a package with an entry point in deepaas.v2.model, in a folder or on the package index. Its
    code stays unchanged, in module/; requirements.txt and the metadata are there to be edited.

    \b
    Examples:
      deepwhisk import ../my-module
      deepwhisk import planktonclas==0.2.4 --without opencv-python
    """
    imported = import_module(own_project().folder, source, name, entry, without)
    if imported.left_out:
        err.print(f"Left out of its requirements: {', '.join(imported.left_out)}.", markup=False)
    if imported.is_too_large:
        megabytes = imported.size >> 20
        err.print(
            f"Its code has {megabytes} MB; an OpenWhisk takes 48 MB, zipped. Build an image.", markup=False
        )
    model = imported.folder.name
    err.print(
        f"Made {imported.folder}. Try it: deepwhisk predict {model} -i NAME=VALUE --local", markup=False
    )
