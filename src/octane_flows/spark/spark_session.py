"""A Spark session that means by SQL what the translated models mean.

A master's address and a file for Spark's own log in, a `SparkSession` out; `spark_build` and
`spark_answer` call it. PySpark and Java are looked for only here: nothing else needs
them.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octane_flows.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: What the translated SQL rests on. An overflow or a failed cast is an error and never null.
MEANING = {
    "spark.sql.catalogImplementation": "in-memory",  # the site's own databases stay out of it
    "spark.sql.ansi.enabled": "true",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.ansi.doubleQuotedIdentifiers": "false",
    # the models end their recursions themselves
    "spark.sql.cteRecursionLevelLimit": "-1",
    "spark.sql.cteRecursionRowLimit": "-1",
}
#: How the session behaves: no page, nothing in our terminal.
MANNERS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
#: On this machine alone: nobody else need reach it, and a cluster's 200 parts are too many.
LOCAL = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": "8",
}


@contextmanager
def open_session(
    master: str, log: Path, more: Mapping[str, str] | None = None
) -> Iterator[SparkSession]:
    """A session on `master`, such as local[2] or spark://host:7077; Spark's log goes to a file.

    Raises UsageError where PySpark, Java or the master is missing.
    """
    scratch = Path(tempfile.mkdtemp(prefix="octane-flows-spark-"))
    settings = {
        **MANNERS,
        **(LOCAL if is_local(master) else {}),
        "spark.sql.warehouse.dir": str(scratch / "databases"),
        "spark.master": master,
        "spark.app.name": "octane-flows",
        **(more or {}),
        **MEANING,
    }
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as stream:
            session = _started(master, settings, log, stream)
        try:
            yield session
        finally:
            session.stop()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def is_local(master: str) -> bool:
    """Whether all of Spark runs on this machine and sees its files."""
    return master.startswith("local") and not master.startswith("local-cluster")


def require_meaning(session: SparkSession) -> None:
    """Refuse a session that `open_session` did not open: its SQL could mean something else."""
    for name, value in MEANING.items():
        setting = session.conf.get(name, None)
        if setting is None or setting.lower() != value.lower():
            raise UsageError(
                f"This Spark session has {name} = {setting}, and the models need {value}; open one "
                "with octane_flows.spark.open_session()."
            )


def _started(master: str, settings: Mapping[str, str], log: Path, stream: Any) -> SparkSession:
    with warnings.catch_warnings():
        # PySpark warns of pandas 3, which nothing here hands to it
        warnings.simplefilter("ignore", FutureWarning)
        try:
            from py4j.protocol import Py4JError
            from pyspark import SparkConf, SparkContext
            from pyspark.errors import PySparkException
            from pyspark.java_gateway import launch_gateway
            from pyspark.sql import SparkSession
        except ImportError as error:
            raise UsageError(
                f"The engine spark needs PySpark, which is not installed ({error}); "
                "install it with: pip install 'octane-flows[spark]'"
            ) from error
        # PySpark logs every refused query a second time, with the whole stack
        logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL + 1)
        if not shutil.which("java") and not _java_home():
            raise UsageError(
                "The engine spark needs Java 17 or newer, which is neither on the path nor in "
                "JAVA_HOME; install it, such as Debian's openjdk-17-jre-headless."
            )
        conf = SparkConf(loadDefaults=False).setAll(list(settings.items()))
        try:
            gateway = getattr(SparkContext, "_gateway", None) or launch_gateway(
                conf, popen_kwargs={"stdout": stream, "stderr": stream}
            )  # one Java serves all sessions that a process opens after one another
            return SparkSession(SparkContext(conf=conf, gateway=gateway))
        except (PySparkException, Py4JError, OSError) as error:
            raise UsageError(
                f"Spark could not be started on {master} ({str(error).splitlines()[0]}); "
                f"check the address, and see {log} for what Spark says."
            ) from error


def _java_home() -> bool:
    home = os.environ.get("JAVA_HOME", "")
    return bool(home) and (Path(home) / "bin" / "java").is_file()
