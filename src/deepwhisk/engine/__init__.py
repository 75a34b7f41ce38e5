"""An OpenWhisk for one machine: the REST API, its entities in SQLite, and containers that are processes.

Clients speak OpenWhisk's REST API and nothing else; nothing outside this package imports more than `create_app`.
"""
