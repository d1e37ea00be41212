"""A lake in an S3-compatible bucket, with the guarantees of one in a folder.

Where it lies and the data folder in, a `Lake` out; the command line, `refresh` and Dagster call
`open_lake`. Conditional writes (`If-None-Match`, `If-Match`) take the place of exclusive creation
and rename. DuckDB reads local copies named by their digest: each file is fetched once and checked,
and no DuckDB extension is needed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from octane_flows.config import LakePlace
from octane_flows.errors import LakeError, UsageError
from octane_flows.lake.generations import Lake
from octane_flows.lake.storage import FolderStorage, Storage, Stored, disk_errors
from octane_flows.lake.table_writer import digest

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Store

CACHE = "lake-cache"


def open_lake(home: Path, place: LakePlace | None) -> Lake:
    """The lake of the settings: `home`'s own folder, or a bucket with a cache in `home`."""
    storage: Storage = (
        FolderStorage(home / "lake") if place is None else BucketStorage(place, home / CACHE)
    )
    return Lake(storage)


class BucketStorage:
    """A lake below a prefix of a bucket; `cache` is a folder of this machine and may be lost."""

    def __init__(self, place: LakePlace, cache: Path, *, patience_s: float | None = None) -> None:
        self._patience_s = patience_s  # for a place that does not answer; None: obstore's own
        self._place = place
        self._cache = cache
        self._opened: S3Store | None = None
        self._refuses = False

    @property
    def folder(self) -> Path:
        """What this machine keeps of the lake."""
        return self._cache

    @property
    def _store(self) -> S3Store:
        if self._opened is None:
            try:
                from obstore.store import S3Store
            except ImportError:
                raise UsageError(
                    "A lake in a bucket needs the package obstore; install octane-flows[bucket]."
                ) from None
            place = self._place
            config: S3Config = {"region": place.region}
            if place.access_key_id is not None and place.secret_access_key is not None:
                config["access_key_id"] = place.access_key_id
                config["secret_access_key"] = place.secret_access_key.reveal()
            if place.endpoint is not None:
                config["endpoint"] = place.endpoint
                config["virtual_hosted_style_request"] = False
            client: ClientConfig = {"allow_http": (place.endpoint or "").startswith("http://")}
            retries: RetryConfig | None = None
            if self._patience_s is not None:
                patience = timedelta(seconds=self._patience_s)
                client["timeout"] = patience
                retries = {"max_retries": 1, "retry_timeout": patience}
            self._opened = S3Store(
                place.bucket,
                prefix=place.prefix or None,
                config=config,
                client_options=client,
                retry_config=retries,
            )
        return self._opened

    def describe(self, path: str = "") -> str:
        """The object's address."""
        return "s3://" + "/".join(
            part for part in (self._place.bucket, self._place.prefix, path) if part
        )

    @contextmanager
    def _errors(self, path: str, verb: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError) as error:
            reason = str(error).strip().splitlines()[0].split(": Error performing")[0]
            raise LakeError(
                f"Could not {verb} {self.describe(path)} ({reason}); check OCTANE_LAKE, its "
                "endpoint and region, and that the key may read, list and write there. What was "
                "published before is still whole."
            ) from error

    def read(self, path: str) -> bytes | None:
        """An object whole; None when it is not there."""
        found = self._read(path)
        return found[0] if found else None

    def _read(self, path: str) -> tuple[bytes, str] | None:
        import obstore

        with self._errors(path, "read"):
            try:
                found = obstore.get(self._store, path)
                return bytes(found.bytes()), found.meta["e_tag"] or ""
            except FileNotFoundError:
                return None

    def list(self, prefix: str) -> Iterator[Stored]:
        """Every object below a prefix, in order."""
        import obstore

        with self._errors(prefix, "list"):
            found = [
                Stored(one["path"], one["size"])
                for page in obstore.list(self._store, prefix)
                for one in page
            ]
        yield from sorted(found, key=lambda one: one.path)

    def scratch(self, path: str) -> Path:
        """In the cache, under a name nobody reads."""
        return self._cache / "scratch" / f"{path.replace('/', '~')}.part"

    def add(self, path: str, local: Path, sha256: str) -> None:
        """Upload, then keep the file as the cache's copy."""
        import obstore

        with self._errors(path, "write"):
            obstore.put(self._store, path, local)
        cached = self._cached(sha256)
        with disk_errors(cached, "write"):
            cached.parent.mkdir(parents=True, exist_ok=True)
            local.replace(cached)

    def create(self, path: str, body: bytes) -> bool:
        """Write an object that must not be there yet; False when it is."""
        if not self._refuses:
            self._require_conditional_writes()
        return self._create(path, body)

    def _create(self, path: str, body: bytes) -> bool:
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with self._errors(path, "write"):
            try:
                obstore.put(self._store, path, body, mode="create")
            except (AlreadyExistsError, PreconditionError, FileExistsError):
                # a repeated request may meet the object that its first try wrote
                return self.read(path) == body
        return True

    def probe(self) -> None:
        """Read, list and write a small object, and see that a second writer is refused.

        Raises LakeError, which says what cannot be done.
        """
        next(self.list("generations"), None)
        self._require_conditional_writes()

    def _require_conditional_writes(self) -> None:
        """Some servers ignore `If-None-Match`: there, two publishers would both win."""
        probe = f"probe/{secrets.token_hex(8)}"
        try:
            is_kept = self._create(probe, b"1") and not self._create(probe, b"2")
        finally:
            self.delete(probe)
        if not is_kept:
            raise LakeError(
                f"The server of {self.describe()} does not honour conditional writes "
                "(If-None-Match), without which two extracts could overwrite one another; keep "
                "the lake in a folder, or use a server that has them."
            )
        self._refuses = True

    def swap(self, path: str, body: bytes, former: bytes | None) -> bool:
        """Replace an object if its content is still `former` (None: absent); else False."""
        import obstore
        from obstore.exceptions import PreconditionError

        if former is None:
            return self.create(path, body)
        found = self._read(path)
        if found is None or found[0] != former:
            return False
        with self._errors(path, "write"):
            try:
                obstore.put(self._store, path, body, mode={"e_tag": found[1]})
            except PreconditionError:
                return self.read(path) == body
        return True

    def local(self, path: str, sha256: str) -> Path:
        """The cache's copy, fetched and checked when there is none."""
        import obstore

        cached = self._cached(sha256)
        if cached.is_file():
            return cached
        aside = cached.with_name(f".{cached.name}.{secrets.token_hex(4)}")
        try:
            with disk_errors(cached, "write"):
                cached.parent.mkdir(parents=True, exist_ok=True)
                with self._errors(path, "read"), aside.open("wb") as stream:
                    for chunk in obstore.get(self._store, path).stream():
                        stream.write(chunk)
            if digest(aside) != sha256:
                raise LakeError(
                    f"{self.describe(path)} is not what its manifest says (another digest); "
                    "restore it from a backup, or run 'octane-flows extract --full'."
                )
            aside.replace(cached)
        finally:
            aside.unlink(missing_ok=True)
        return cached

    def _cached(self, sha256: str) -> Path:
        return self._cache / sha256[:2] / f"{sha256}.parquet"

    def delete(self, path: str) -> None:
        """Delete an object; one that is not there is no error."""
        import obstore

        with self._errors(path, "delete"):
            try:
                obstore.delete(self._store, path)
            except FileNotFoundError:
                return
