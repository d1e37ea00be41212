"""The part of the simulator's README that shows the calls of each kind of client.

The calls of tests/contract/client_calls.py in, Markdown out; `make docs` writes it.
"""

from __future__ import annotations

from tests.contract.client_calls import CLIENTS, Call, ClientKind

__all__ = ["client_parts"]

SHORT = (
    ("/api/shared_spaces/1001/workspaces/1002", ".."),
    ("/internal-api/shared_spaces/1001/workspaces/1002", "/internal-api/../1002"),
    ("/internal-api/shared_spaces/1001", "/internal-api/.."),
)


def client_parts() -> str:
    """A heading for each kind of client, with its calls in their order."""
    return "\n".join(_part(kind) for kind in CLIENTS)


def _part(kind: ClientKind) -> str:
    headers = ", ".join(f"`{name}: {value}`" for name, value in kind.headers.items())
    sent_with = f" Sent with {headers}." if headers else ""
    lines = [f"### {kind.name}", "", f"{kind.text}{sent_with}", ""]
    lines += [f"- `{call.method} {_path(call)}` {call.status}" for call in kind.calls]
    return "\n".join([*lines, ""])


def _path(call: Call) -> str:
    path = call.path
    for long, short in SHORT:
        if path.startswith(long):
            return path.replace(long, short, 1)
    return path
