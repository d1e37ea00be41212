"""The SQL models as data: headers, columns, dependencies, macros, lineage. Nothing here runs them.

`warehouse`, `questions`, `spark`, the documents and Dagster read models through this package.
"""

from octane_flows.models.documented_columns import Column
from octane_flows.models.macro_parameters import Parameter
from octane_flows.models.model import Model, load_models

__all__ = ["Column", "Model", "Parameter", "load_models"]
