"""The storage feed: an object that arrives in a bucket fires a trigger, at least once, whatever dies.

Law: listing is the truth, an event is a hint that makes it fast. Nothing counts as seen before the ledger
has it, and nothing as delivered before the actions behind the trigger's rules have ended well.
"""
