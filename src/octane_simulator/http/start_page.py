"""The page at `/`: what this simulator holds, how to sign in, how to switch faults on.

In: the space, its sign-in and the address of the request. Out: one HTML page that needs nothing
else, and the text of CHOICES.md. Called by application.py; no sign-in is needed.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

import jinja2
from werkzeug.wrappers import Request, Response

from octane_simulator.datasets.dataset_list import DATASETS
from octane_simulator.faults.fault_kinds import KINDS, REQUIRED, Kind
from octane_simulator.http.authentication import Authentication
from octane_simulator.simulated_space import Space
from octane_simulator.simulated_workspace import Workspace

__all__ = ["choices", "examples", "home"]


def home(space: Space, auth: Authentication, request: Request) -> Response:
    """The page itself."""
    workspaces = [
        (workspace.id, workspace.name, _counts(workspace))
        for workspace in space.workspaces.values()
    ]
    text = _template().render(
        examples=examples(space, auth, request.host_url.rstrip("/")),
        url=request.host_url.rstrip("/"),
        space=space,
        auth=auth,
        workspaces=workspaces,
        datasets=DATASETS,
        kinds=[(name, kind, _options(kind)) for name, kind in KINDS.items()],
        now=space.clock.now(),
    )
    return Response(text, 200, content_type="text/html; charset=utf-8")


def choices() -> Response:
    """CHOICES.md as text."""
    text = resources.files("octane_simulator").joinpath("CHOICES.md").read_text("utf-8")
    return Response(text, 200, content_type="text/plain; charset=utf-8")


def examples(space: Space, auth: Authentication, url: str) -> list[tuple[str, str]]:
    """Commands to paste, each with what it does; they work in this order."""
    base = f"{url}/api/shared_spaces/{space.id}/workspaces/{space.first.id}"
    key = json.dumps({"client_id": auth.client_id, "client_secret": auth.client_secret})
    call = "curl -sS -b octane.cookies -c octane.cookies"
    send = "-H 'Content-Type: application/json'"
    fault = json.dumps({"kind": "unavailable", "times": 2, "path": "/defects"})
    next_line = " \\\n  "
    return [
        ("Sign in with the API key", next_line.join([
            f"curl -sS -c octane.cookies {send}", f"-d '{key}'",
            f"{url}/authentication/sign_in"])),
        ("Who am I", f"{call} {url}/api/current_user"),
        ("Create a defect", next_line.join([
            f"{call} {send}", """-d '{"data":[{"name":"From curl"}]}'""",
            f"'{base}/defects?fields=name,phase'"])),
        ("Read a page", next_line.join([
            call, f"'{base}/defects?fields=name,phase&order_by=-id&limit=3'"])),
        ("Query", next_line.join([
            f"{call} -G -d fields=name -d order_by=id -d limit=3",
            """--data-urlencode 'query="severity EQ {id EQ ^list_node.severity.high^}"'""",
            f"{base}/defects"])),
        ("One call without signing in first",
         f"curl -sS -u {auth.client_id}:{auth.client_secret} '{base}/metadata/entities'"),
        ("Make the next two reads of defects fail with 503", next_line.join([
            f"curl -sS {send}", f"-d '{fault}'", f"{url}/simulator/faults"])),
        ("Behave again", f"curl -sS -X DELETE {url}/simulator/faults"),
    ]  # fmt: skip


def _counts(workspace: Workspace) -> list[tuple[str, str, int]]:
    """Entity type, collection and number of rows of each type that has rows."""
    store, schema = workspace.store, workspace.schema
    counts: dict[str, int] = {}
    for family in schema.families():
        counts.update(store.read(f'SELECT type, count(*) FROM "{family}" GROUP BY type'))
    return [
        (name, schema.entities[name].collection, counts[name])
        for name in sorted(counts)
        if name in schema.entities
    ]


def _options(kind: Kind) -> str:
    """The options of a fault with their defaults, as one line."""
    shown = [
        name if default is REQUIRED else f"{name}={json.dumps(default)}"
        for name, (_, default) in kind.options.items()
    ]
    return ", ".join(shown)


@cache
def _template() -> jinja2.Template:
    text = resources.files("octane_simulator").joinpath("http/page.html").read_text("utf-8")
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(text)
