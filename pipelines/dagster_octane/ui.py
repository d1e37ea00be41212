"""`make ui`: Dagster's pages for the demo's data, with a simulated server that its runs can read.

`OCTANE_*` variables in, a running `dagster dev` out. With OCTANE_URL set, the pages show the data
of that server instead of the demo. It works in any folder, also with the installed package.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

DEMO_HOME = "demo"  # the folder that `octane-flows demo` fills unless it is given another one


def main() -> int:
    """Run `dagster dev` until it is interrupted; returns its exit code.

    Arguments such as `--port 3001` go to it.
    """
    environment = dict(os.environ)
    simulator = None
    if "OCTANE_URL" not in environment:
        home = Path(environment.get("OCTANE_HOME", DEMO_HOME)).resolve()
        if not (home / "lake").exists():
            print(
                f"The demo's data was looked for in {home} and was not found. Run octane-flows "
                "demo (or make demo) first, or set OCTANE_URL to show your own server's data.",
                file=sys.stderr,
            )
            return 1
        print("Starting a simulated Octane with the demo's data (about 15 s) ...", flush=True)
        simulator = subprocess.Popen(
            [sys.executable, "-m", "octane_flows", "simulate", "--dataset", "demo"],
            stdout=subprocess.PIPE,
            text=True,
        )
        facts = json.loads((simulator.stdout.readline() if simulator.stdout else "") or "{}")
        if not facts:
            print("The simulator did not start; run octane-flows simulate.", file=sys.stderr)
            return 1
        environment |= {
            "OCTANE_URL": facts["url"],
            "OCTANE_CLIENT_ID": facts["client_id"],
            "OCTANE_CLIENT_SECRET": facts["client_secret"],
            "OCTANE_SHARED_SPACE": facts["shared_space"],
            "OCTANE_WORKSPACES": facts["workspace"],
            "OCTANE_HOME": str(home),
        }
    home = Path(environment.get("OCTANE_HOME", "data")).resolve()
    dagster_home = home / "dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).with_name("dagster.yaml"), dagster_home / "dagster.yaml")
    environment |= {"OCTANE_HOME": str(home), "DAGSTER_HOME": str(dagster_home)}
    command = [sys.executable, "-m", "dagster", "dev", "-m", "dagster_octane.definitions"]
    command += sys.argv[1:]
    try:
        return subprocess.run(command, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 0
    finally:
        if simulator is not None:
            simulator.terminate()


if __name__ == "__main__":
    sys.exit(main())
