"""The catalog as others read it: checked against their schemas, and written in their formats.

Law: the same catalog gives the same text, and no more is said than what its files and its history say.
"""

from deepwhisk.publish.atom import atom
from deepwhisk.publish.changes import Change, changes
from deepwhisk.publish.jsonld import jsonld
from deepwhisk.publish.listing import document
from deepwhisk.publish.schema import Problem, problems

__all__ = ["Change", "Problem", "atom", "changes", "document", "jsonld", "problems"]
