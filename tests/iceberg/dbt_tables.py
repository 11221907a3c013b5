"""Copies all tables of a catalog to a DuckDB file, one schema a namespace, and checks the types of
a file of dbt's sources.

Arguments: the catalog's URL, its key, the DuckDB file, the file of sources. Prints what it copied,
as JSON: table → [column, type as DuckDB has it, type in the file of sources].
"""

import json
import sys

import duckdb
import yaml
from pyiceberg.catalog import load_catalog

url, key, database, sources = sys.argv[1:]
catalog = load_catalog("millrace", type="rest", uri=url, token=key)
with open(sources, encoding="utf8") as file:
    declared = {
        (source["schema"], table["name"]): {
            column["name"]: column["data_type"] for column in table["columns"]
        }
        for source in yaml.safe_load(file)["sources"]
        for table in source["tables"]
    }
lake = duckdb.connect(database)
copied = {}
for (schema,) in catalog.list_namespaces():
    lake.execute(f'CREATE SCHEMA "{schema}"')
    for _, name in catalog.list_tables(schema):
        rows = catalog.load_table((schema, name)).scan().to_arrow()
        lake.register("rows_of_table", rows)
        lake.execute(f'CREATE TABLE "{schema}"."{name}" AS SELECT * FROM rows_of_table')
        lake.unregister("rows_of_table")
        types = lake.execute(f'DESCRIBE "{schema}"."{name}"').fetchall()
        copied[f"{schema}.{name}"] = [
            [column, type_, declared[(schema, name)].get(column)] for column, type_, *_ in types
        ]
lake.close()
print(json.dumps(copied))
