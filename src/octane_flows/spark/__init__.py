"""The same models on Apache Spark, for lakes that one machine does not hold.

`build` and `answer` are what the command line calls; `translate` gives a model's Spark SQL.
"""

from octane_flows.spark.answer import answer
from octane_flows.spark.build import build
from octane_flows.spark.constructs import NotCarriedOver
from octane_flows.spark.published import (
    LOG,
    ModelState,
    Published,
    read_published,
    spark_folder,
)
from octane_flows.spark.session import open_session
from octane_flows.spark.translate import translate

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
