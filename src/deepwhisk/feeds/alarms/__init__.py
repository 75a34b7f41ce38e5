"""Alarms: a trigger that fires at times, by a cron expression, at an interval or once.

Law: a time that is due is entered in the ledger like any other event, together with the next time, in one
transaction; whatever dies, no time is entered twice and none is forgotten. Times that pass while nobody
can fire fold into one.
"""
