"""A simulator behind a real HTTP server on this machine.

In: a Simulator and a port. Out: `Running`, its address and how to sign in. Called by tests, by
`simulate` and by the demo.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from octane_simulator.http.http_server import run_server
from octane_simulator.simulator import Simulator

__all__ = ["Running", "serve"]


@dataclass(frozen=True)
class Running:
    """The address of a running simulator and how to sign in."""

    url: str
    simulator: Simulator

    @property
    def client_id(self) -> str:
        """The id of the API key."""
        return self.simulator.auth.client_id

    @property
    def client_secret(self) -> str:
        """The secret of the API key."""
        return self.simulator.auth.client_secret

    @property
    def user(self) -> str:
        """The login name."""
        return self.simulator.auth.user

    @property
    def password(self) -> str:
        """The password."""
        return self.simulator.auth.password

    @property
    def shared_space(self) -> str:
        """The id of the only shared space."""
        return self.simulator.shared_space

    @property
    def workspace(self) -> str:
        """The id of the first workspace."""
        return self.simulator.workspace


@contextmanager
def serve(simulator: Simulator, port: int = 0) -> Iterator[Running]:
    """Serve on 127.0.0.1 (port 0: any free one) until the block ends."""
    with run_server(simulator.wsgi, port) as url:
        yield Running(url, simulator)
