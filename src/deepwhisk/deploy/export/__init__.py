"""Export: what a server has becomes a manifest and the files that it names.

    collect   the entities that are meant, in full, what their feeds know, and their routes
    compose   a manifest in stock wskdeploy grammar, and files; a value
    write     into a folder that is empty

Law: deploying what was exported changes nothing. What the grammar cannot say is told in a sentence.
"""

from deepwhisk.deploy.export.collecting import Chosen, Collected, collect
from deepwhisk.deploy.export.composing import Export, compose
from deepwhisk.deploy.export.writing import SECRETS, write

__all__ = ["SECRETS", "Chosen", "Collected", "Export", "collect", "compose", "write"]
