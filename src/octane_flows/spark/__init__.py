"""The same models on Apache Spark, for lakes that one machine does not hold.

`build` and `answer` are what the command line calls; `translate` gives a model's Spark SQL.
"""

from octane_flows.spark.spark_answer import answer
from octane_flows.spark.spark_build import build
from octane_flows.spark.spark_publication import (
    LOG,
    ModelState,
    Published,
    read_published,
    spark_folder,
)
from octane_flows.spark.spark_session import open_session
from octane_flows.spark.spark_sql import translate
from octane_flows.spark.supported_constructs import NotCarriedOver

__all__ = [
    "LOG",
    "ModelState",
    "NotCarriedOver",
    "Published",
    "answer",
    "build",
    "open_session",
    "read_published",
    "spark_folder",
    "translate",
]
