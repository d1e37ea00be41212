"""One Spark on this machine for all tests that ask it, small and quick to start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from octane_flows.spark import open_session
from tests.needs import need_spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: For queries of a few rows the compilers cost more than they save.
SMALL = {
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.memory": "1g",
}


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    need_spark()
    log = tmp_path_factory.mktemp("spark") / "spark.log"
    with open_session("local[2]", log, SMALL) as session:
        yield session
