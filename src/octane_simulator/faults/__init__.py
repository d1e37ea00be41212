"""What goes wrong on request: the kinds of faults, those in force, and the answers they break.

In: faults by name. Out: `Faults`, which the reader and the routes ask at each request.
"""
