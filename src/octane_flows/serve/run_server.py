"""Serving the warehouse until a signal: the socket, TLS, and what is said at the start.

A data folder and the settings in, a running server out; the command `serve` calls it.
"""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import uvicorn
from rich.console import Console
from starlette.types import ASGIApp

from octane_flows.config import ServePlace
from octane_flows.errors import UsageError
from octane_flows.serve.bounded_connections import BoundedConnection
from octane_flows.serve.request_guard import LOCAL_NAMES
from octane_flows.serve.web_application import MountedApplication, web_application
from octane_flows.warehouse import warehouse_path

ENDING_S: Final = 5  # requests that still run when the server ends
WAITING_CONNECTIONS: Final = 512
OPEN_FILES: Final = 4096


def run(
    home: Path,
    place: ServePlace,
    *,
    host: str,
    port: int,
    console: Console,
    mounted: Sequence[MountedApplication] = (),
) -> None:
    """Serve until SIGINT or SIGTERM. Raises UsageError."""
    require_protection(host, place)
    config = server_config(web_application(home, place, _log, mounted), place)
    with _listening(host, port) as listener:
        _raise_open_files()
        shown = f"[{host}]" if ":" in host else host
        scheme = "https" if place.certificate else "http"
        address = f"{scheme}://{shown}:{listener.getsockname()[1]}"
        console.print(f"data folder  {home}")
        if not warehouse_path(home).is_file():
            console.print(
                "warning      There is no warehouse yet: requests are refused until "
                "'octane-flows run' has published one."
            )
        sign_in = "login or token" if place.has_sign_in else "none, for this machine alone"
        console.print(f"sign-in      {sign_in}")
        console.print(f"pages        {place.address or address}/")
        console.print(f"OData        {place.address or address}/odata/")
        for entry in mounted:
            console.print(f"agents       {place.address or address}{entry.path}")
        console.print("Ctrl-C ends it.")
        uvicorn.Server(config).run(sockets=[listener])


def server_config(application: ASGIApp, place: ServePlace) -> uvicorn.Config:
    """How uvicorn serves the application. Raises UsageError for a certificate without use."""
    config = uvicorn.Config(
        application,
        http=BoundedConnection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=ENDING_S,
        ssl_certfile=str(place.certificate) if place.certificate else None,
        ssl_keyfile=str(place.key) if place.key else None,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"The certificate {place.certificate} cannot be used ({error}); "
            "OCTANE_SERVE_CERTIFICATE names a PEM file, and OCTANE_SERVE_KEY that of its key."
        ) from None
    return config


def require_protection(host: str, place: ServePlace) -> None:
    """Raise UsageError for an address that others reach without sign-in or encryption."""
    if host in LOCAL_NAMES:
        return
    if not place.has_sign_in:
        raise UsageError(
            f"--host {host} lets others reach the warehouse, and no sign-in is set; set "
            "OCTANE_SERVE_TOKEN, or OCTANE_SERVE_USER and OCTANE_SERVE_PASSWORD, or leave --host "
            "out."
        )
    if place.certificate is None and place.address is None:
        raise UsageError(
            f"--host {host} would send logins and rows unencrypted; set OCTANE_SERVE_CERTIFICATE, "
            "or OCTANE_SERVE_ADDRESS to the https address of the proxy in front."
        )


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=WAITING_CONNECTIONS)
    except OSError as error:
        raise UsageError(
            f"The warehouse cannot be served at {host}:{port} ({error.strerror or error}); "
            "choose another port with --port, or an address of this machine with --host."
        ) from None


def _raise_open_files() -> None:
    """Let this process have as many open connections as it takes, where the machine allows it."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
