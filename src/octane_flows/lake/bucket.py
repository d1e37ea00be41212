"""A lake in an S3-compatible bucket, with the guarantees of a lake in a folder.

The bucket's place and the data folder in, a `Lake` out; the command line, `refresh`, the Python API
and Dagster call `open_lake`. Conditional writes (`If-None-Match`, `If-Match`) take the place of
exclusive creation and rename. DuckDB reads local copies that are named by their digest: each file
is downloaded once and checked, and no DuckDB extension is needed.
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
from octane_flows.lake.storage import FolderStorage, Storage, StoredFile, disk_errors
from octane_flows.lake.table_writer import file_digest
from octane_flows.portable_files import put_in_place

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
    """A lake below a prefix of a bucket; `cache` is a folder of this machine that may be lost."""

    def __init__(self, place: LakePlace, cache: Path, *, patience_s: float | None = None) -> None:
        _require_obstore()
        self._patience_s = patience_s  # for a server that does not answer; None: obstore's own
        self._place = place
        self._cache = cache
        self._s3_store: S3Store | None = None
        self._writes_conditionally = False

    @property
    def folder(self) -> Path:
        """This machine's cache of the lake."""
        return self._cache

    @property
    def _store(self) -> S3Store:
        if self._s3_store is None:
            from obstore.store import S3Store

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
            self._s3_store = S3Store(
                place.bucket,
                prefix=place.prefix or None,
                config=config,
                client_options=client,
                retry_config=retries,
            )
        return self._s3_store

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
        """The content of an object; None when it does not exist."""
        read = self._read_with_tag(path)
        return read[0] if read else None

    def _read_with_tag(self, path: str) -> tuple[bytes, str] | None:
        """The content of an object and its entity tag, which changes with every write."""
        import obstore

        with self._errors(path, "read"):
            try:
                result = obstore.get(self._store, path)
                return bytes(result.bytes()), result.meta["e_tag"] or ""
            except FileNotFoundError:
                return None

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """Every object below a prefix, in order."""
        import obstore

        with self._errors(prefix, "list"):
            files = [
                StoredFile(entry["path"], entry["size"])
                for page in obstore.list(self._store, prefix)
                for entry in page
            ]
        yield from sorted(files, key=lambda file: file.path)

    def scratch(self, path: str) -> Path:
        """In the cache, under a name that nobody reads."""
        return self._cache / "scratch" / f"{path.replace('/', '~')}.part"

    def add(self, path: str, local: Path, sha256: str) -> None:
        """Upload, then keep the file as the cache's copy."""
        import obstore

        with self._errors(path, "write"):
            obstore.put(self._store, path, local)
        cached = self._cached(sha256)
        with disk_errors(cached, "write"):
            cached.parent.mkdir(parents=True, exist_ok=True)
            put_in_place(local, cached)

    def create(self, path: str, body: bytes) -> bool:
        """Write an object that must not exist yet; False when it does."""
        if not self._writes_conditionally:
            self._require_conditional_writes()
        return self._create(path, body)

    def _create(self, path: str, body: bytes) -> bool:
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with self._errors(path, "write"):
            try:
                obstore.put(self._store, path, body, mode="create")
            except (AlreadyExistsError, PreconditionError, FileExistsError):
                # the object may be what the first try of a repeated request wrote
                return self.read(path) == body
        return True

    def probe(self) -> None:
        """Read, list and write a small object, and check that a second writer is refused.

        Raises LakeError, which names the operation that failed.
        """
        next(self.list("generations"), None)
        self._require_conditional_writes()

    def _require_conditional_writes(self) -> None:
        """Raise when the server ignores `If-None-Match`: two publishers would then both succeed."""
        probe = f"probe/{secrets.token_hex(8)}"
        try:
            is_refused = self._create(probe, b"1") and not self._create(probe, b"2")
        finally:
            self.delete(probe)
        if not is_refused:
            raise LakeError(
                f"The server of {self.describe()} does not honour conditional writes "
                "(If-None-Match), without which two extracts could overwrite each other; keep "
                "the lake in a folder, or use a server that honours them."
            )
        self._writes_conditionally = True

    def swap(self, path: str, body: bytes, previous: bytes | None) -> bool:
        """Replace an object if its content is still `previous` (None: no object); else False."""
        import obstore
        from obstore.exceptions import PreconditionError

        if previous is None:
            return self.create(path, body)
        read = self._read_with_tag(path)
        if read is None or read[0] != previous:
            return False
        with self._errors(path, "write"):
            try:
                obstore.put(self._store, path, body, mode={"e_tag": read[1]})
            except PreconditionError:
                return self.read(path) == body
        return True

    def local(self, path: str, sha256: str) -> Path:
        """The copy in the cache, downloaded and checked when there is none."""
        import obstore

        cached = self._cached(sha256)
        if cached.is_file():
            return cached
        temporary = cached.with_name(f".{cached.name}.{secrets.token_hex(4)}")
        try:
            with disk_errors(cached, "write"):
                cached.parent.mkdir(parents=True, exist_ok=True)
                with self._errors(path, "read"), temporary.open("wb") as stream:
                    for chunk in obstore.get(self._store, path).stream():
                        stream.write(chunk)
            if file_digest(temporary) != sha256:
                raise LakeError(
                    f"{self.describe(path)} is not what its manifest says (another digest); "
                    "restore it from a backup, or read its entity type again with "
                    "'octane-flows extract --full ENTITY'."
                )
            put_in_place(temporary, cached)
        finally:
            temporary.unlink(missing_ok=True)
        return cached

    def _cached(self, sha256: str) -> Path:
        return self._cache / sha256[:2] / f"{sha256}.parquet"

    def delete(self, path: str) -> None:
        """Delete an object; an object that does not exist is no error."""
        import obstore

        with self._errors(path, "delete"):
            try:
                obstore.delete(self._store, path)
            except FileNotFoundError:
                return


def _require_obstore() -> None:
    try:
        import obstore  # noqa: F401
    except ImportError:
        raise UsageError(
            "OCTANE_LAKE names a bucket, which needs the package obstore; install "
            "octane-flows[bucket], or unset OCTANE_LAKE to keep the lake in the data folder."
        ) from None
