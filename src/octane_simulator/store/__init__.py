"""The rows of one workspace in SQLite, with the clock and the caller that stamp them.

In: a schema, a clock, rows as dictionaries. Out: a `Store`. It knows nothing of requests.
"""
