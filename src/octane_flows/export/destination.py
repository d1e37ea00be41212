"""Where an export goes: a folder or a bucket, and for Iceberg a catalog.

What the user named and the lake's settings in, a checked `Destination` out. The errors of missing
libraries and of places that refuse become one sentence here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from octane_flows.config import LakePlace
from octane_flows.errors import LakeError, UsageError

Format = Literal["delta", "iceberg"]
REASON = 300  # characters of what a library says
MARKS = re.compile(r"\x1b\[[0-9;]*m|↳")  # delta-rs draws its causes in colours


@dataclass(frozen=True)
class Destination:
    """One place; `bucket` has the lake's endpoint and keys, None: those that libraries find."""

    format: Format
    output: str
    catalog: str | None = field(default=None, repr=False)  # may carry a password
    namespace: str = "octane"
    bucket: LakePlace | None = None

    @property
    def is_bucket(self) -> bool:
        """Whether the tables lie, or may lie, in object storage."""
        return not self.output or self.output.startswith("s3://")

    def describe(self, table: str = "") -> str:
        """The place in messages; a catalog without user and password."""
        if self.catalog is None:
            return f"{self.output}/{table}".rstrip("/")
        parts = urlsplit(self.catalog)
        name = f"{self.namespace}.{table}" if table else self.namespace
        return f"{name} of the catalog {parts.scheme}://{parts.hostname or ''}{parts.path}"

    @contextmanager
    def errors(
        self, kinds: tuple[type[Exception], ...], verb: str, table: str = ""
    ) -> Iterator[None]:
        """Turn a library's refusal into one sentence."""
        try:
            yield
        except kinds as error:
            reason = MARKS.sub(" ", str(error)) or type(error).__name__
            for secret in self._secrets():
                reason = reason.replace(secret, "...")
            reason = " ".join(reason.split())[:REASON]
            raise LakeError(
                f"Could not {verb} {self.describe(table)} ({reason}); check the place, its rights "
                "and that no other export writes there, and run the export again: it goes on where "
                "this one stopped."
            ) from error

    def _secrets(self) -> list[str]:
        password = urlsplit(self.catalog).password if self.catalog else None
        key = self.bucket.secret_access_key if self.bucket is not None else None
        secrets = (password, key.reveal() if key is not None else None)
        return [secret for secret in secrets if secret]


def destination(
    format: Format,
    home: Path,
    *,
    output: str | None = None,
    catalog: str | None = None,
    namespace: str = "octane",
    bucket: LakePlace | None = None,
) -> Destination:
    """Check a place; without `output` it is a folder of the data folder. Raises UsageError."""
    if catalog is not None and format == "delta":
        raise UsageError("--catalog belongs to Iceberg; a Delta table needs none.")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", namespace):
        raise UsageError(
            f"'{namespace}' cannot be a namespace; use lower-case letters, digits and _."
        )
    if catalog is not None and output is None:  # the catalog says where tables lie
        return Destination(format, "", catalog, namespace, bucket)
    place = output or str((home / format).absolute())
    if place.startswith("s3://"):
        if format == "iceberg" and catalog is None:
            raise UsageError(
                "Iceberg tables in a bucket need a catalog that knows which of their versions is "
                "current; name it with --catalog, such as https://catalog.example.com or "
                "postgresql+psycopg2://host/database."
            )
        return Destination(format, place.rstrip("/"), catalog, namespace, bucket)
    if "://" in place:
        raise UsageError(
            f"'{place}' is no place for an export; give a folder or s3://bucket/prefix."
        )
    return Destination(format, str(Path(place).absolute()), catalog, namespace, bucket)


def not_installed(format: Format, package: str) -> UsageError:
    """What to say when a format's library is missing."""
    return UsageError(
        f"An export to {format.capitalize()} needs the package {package}; install "
        "octane-flows[export]."
    )
