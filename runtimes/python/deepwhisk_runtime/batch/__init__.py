"""What runs on a node: one attempt of a training, or of a long prediction, from its job's link to its result.

The supervisor is `python -m deepwhisk_runtime.batch`; the model runs in a process of its own (`work.py`),
kept by a third (`keeper.py`). Law: all but `work.py` need the standard library only, since the environment is
made by them; what leaves the node goes through signed links, which are never logged.
"""
