"""HTTP: the server, sign-in, and the routes to everything that answers.

In: requests. Out: answers. The routes take the space, the clock and the faults that they need.
"""
