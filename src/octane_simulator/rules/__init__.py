"""What the server checks and adds when rows are written.

In: values from a client. Out: `Writer`, which refuses, completes and stores them; the rows of a new
workspace; the log of changes.
"""
