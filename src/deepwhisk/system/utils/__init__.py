"""Building blocks that format and assemble data."""

from deepwhisk.system.action import SystemAction
from deepwhisk.system.utils import cat, date, echo, sort, split

ACTIONS = tuple(SystemAction(module) for module in (cat, date, echo, sort, split))
