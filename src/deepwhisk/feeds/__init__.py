"""The feeds: an object that arrives in a bucket, or a time that comes, fires a trigger, whatever dies.

Law: listing is the truth, an event is a hint that makes it fast, and one clock tells all times. Nothing
counts as seen before the ledger has it, and nothing as delivered before the actions behind the trigger's
rules have ended well.
"""
