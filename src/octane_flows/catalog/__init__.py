"""Catalogues: what a warehouse holds, for dbt, for semantic layers and as JSON.

An opened warehouse in, text out; the command `catalog` writes it.
"""

from octane_flows.catalog.catalog_content import Catalog, read_catalog
from octane_flows.catalog.catalog_json import catalog_json
from octane_flows.catalog.dbt_sources import dbt_sources
from octane_flows.catalog.semantic_model import semantic_model

__all__ = ["Catalog", "catalog_json", "dbt_sources", "read_catalog", "semantic_model"]
