"""Dagster's pages for a data folder: `octane-flows ui` starts them and ends all that it started.

Settings in, a running `dagster dev` out, after a banner that names server, space and folder; the
demo's simulated server only on request. `octane_flows.cli` calls it. Dagster itself stays in
processes of its own.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final

from rich.console import Console

from octane_flows.config import load_settings
from octane_flows.errors import OctaneFlowsError, UsageError

DEFINITIONS: Final = "dagster_octane.definitions"
ENDING_S: Final = 40.0  # dagster dev waits for its children; after this they are killed


def run(*, demo_home: Path | None, host: str, port: int, console: Console) -> int:
    """Show Dagster's pages until SIGINT or SIGTERM; returns the exit code.

    `demo_home` None: the settings' server. Raises UsageError where settings, the extra `dagster`
    or a free port are missing.
    """
    instance_settings = _instance_settings()
    _require_free_port(host, port)
    with ExitStack() as stack:
        if demo_home is None:
            settings = load_settings(os.environ)
            variables = {"OCTANE_HOME": str(settings.home.resolve())}
            banner = (settings.url, settings.shared_space, settings.workspaces)
        else:
            home = demo_home.resolve()
            if not (home / "lake").exists():
                raise UsageError(
                    f"The demo's data was looked for in {home} and was not found; run "
                    "octane-flows demo first."
                )
            console.print("Starting a simulated Octane with the demo's data (about 15 s) ...")
            variables = {**stack.enter_context(_simulated_server()), "OCTANE_HOME": str(home)}
            banner = (
                f"{variables['OCTANE_URL']} (simulated, with the demo's data)",
                variables["OCTANE_SHARED_SPACE"],
                (variables["OCTANE_WORKSPACES"],),
            )
        home = Path(variables["OCTANE_HOME"])
        url, space, workspaces = banner
        console.print(f"server       {url}")
        console.print(
            f"space        {space}, workspaces {', '.join(workspaces) if workspaces else 'all'}"
        )
        console.print(f"data folder  {home}")
        console.print(f"pages        http://{host}:{port} when Dagster has started; Ctrl-C ends it")
        dagster_home = home / "dagster"
        dagster_home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(instance_settings, dagster_home / "dagster.yaml")
        environment = _environment(variables, is_demo=demo_home is not None)
        environment["DAGSTER_HOME"] = str(dagster_home)
        command = [sys.executable, "-m", "dagster", "dev", "-m", DEFINITIONS]
        command += ["--host", host, "--port", str(port)]
        return run_until_signal(command, environment)


def demo_environment(facts: Mapping[str, str]) -> dict[str, str]:
    """The settings that lead to a simulated server and leave out the site's own settings file."""
    return {
        "OCTANE_URL": facts["url"],
        "OCTANE_CLIENT_ID": facts["client_id"],
        "OCTANE_CLIENT_SECRET": facts["client_secret"],
        "OCTANE_SHARED_SPACE": facts["shared_space"],
        "OCTANE_WORKSPACES": facts["workspace"],
        "OCTANE_CONFIG": os.devnull,
    }


def _environment(variables: Mapping[str, str], *, is_demo: bool) -> dict[str, str]:
    """The caller's environment with these settings; the demo sees none of the site's."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not (is_demo and name.startswith("OCTANE_"))
    }
    return {**kept, **variables}


def _instance_settings() -> Path:
    """The file with the settings of Dagster's instance, where the extra is installed."""
    installed = [importlib.util.find_spec(name) for name in ("dagster", "dagster_webserver")]
    pipelines = importlib.util.find_spec("dagster_octane")
    if None in installed or pipelines is None or pipelines.origin is None:
        raise UsageError(
            "Dagster's pages need what is not installed here; "
            "install it with: pip install 'octane-flows[dagster]'"
        )
    return Path(pipelines.origin).with_name("dagster.yaml")


def _require_free_port(host: str, port: int) -> None:
    try:
        with socket.create_server((host, port)):
            return
    except OSError as error:
        raise UsageError(
            f"Dagster's pages cannot be shown at {host}:{port} ({error.strerror}); "
            "choose another port with --port."
        ) from None


@contextmanager
def _simulated_server() -> Iterator[dict[str, str]]:
    command = [sys.executable, "-m", "octane_flows", "simulate", "--dataset", "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise OctaneFlowsError("The simulator did not start; run octane-flows simulate.")
            yield demo_environment(json.loads(line))
        finally:
            process.terminate()


def run_until_signal(
    command: list[str], environment: Mapping[str, str], ending_s: float = ENDING_S
) -> int:
    """Run a command in a group of its own; a signal ends the command and all of its children."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous_handlers = {
        number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        with subprocess.Popen(command, env=environment, start_new_session=True) as process:
            try:
                return process.wait()
            except KeyboardInterrupt:
                return 0
            finally:
                for number in previous_handlers:  # a second signal must not leave children behind
                    signal.signal(number, signal.SIG_IGN)
                _end(process, ending_s)
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)


def _end(process: subprocess.Popen[bytes], ending_s: float) -> None:
    """Ask a command to end as Ctrl-C does, then kill what is left of its group."""
    if os.name != "posix":  # no groups: the children of dagster dev end when it does
        process.terminate()
        process.wait()
        return
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(ending_s)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
