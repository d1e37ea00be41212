"""A simulator that is started on a port of another program says which port it is."""

from __future__ import annotations

import socket

import typer
from typer.testing import CliRunner

from octane_simulator.simulator_command import simulate


def test_a_port_in_use_is_named_with_the_remedy() -> None:
    app = typer.Typer()
    app.command()(simulate)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        result = CliRunner().invoke(app, ["--dataset", "empty", "--port", str(port)])

    assert result.exit_code == 1
    assert f"port {port} is in use by another program" in result.stderr
    assert "--port" in result.stderr
    assert "Traceback" not in result.stderr
