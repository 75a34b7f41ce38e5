"""Objects in buckets: one small protocol, its drivers, and the store that runs on this machine by default.

Law: whoever holds a `Store` cannot tell which driver it is.
"""
