"""The published warehouse over HTTP, read-only: pages, CSV, JSON and OData of every question.

`run` serves until a signal; it needs the extra `serve`. The command `serve` calls it.
"""

from octane_flows.serve.run_server import run
from octane_flows.serve.web_application import MountedApplication, web_application

__all__ = ["MountedApplication", "run", "web_application"]
