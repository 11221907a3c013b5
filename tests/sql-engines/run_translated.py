"""Checks statements of a dialect without its engine: sqlglot parses them in the dialect, resolves
every column against the schemas of the tables, translates them to DuckDB's, and runs them there.

Argument: a JSON file with `dialect`, `tables` (catalog, schema, name, files, columns: name → type)
and `statements`. Prints a list: rows for each statement, or {"error": text}.
"""

from __future__ import annotations

import json
import sys
from datetime import date, datetime, timedelta
from decimal import Decimal

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify

with open(sys.argv[1], encoding="utf8") as file:
    given = json.load(file)
dialect = given["dialect"]


def plain(value):
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        if len(value.as_tuple().digits) > 15:
            return str(value)
        return float(value) if value % 1 else int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return str(value)
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value


def time_text(micros):
    if micros is None:
        return None
    time = datetime(1970, 1, 1) + timedelta(microseconds=micros)
    text = time.isoformat(timespec="microseconds")
    return (text[:-3] if text.endswith("000") else text) + "Z"


connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
# What DuckDB has no function of that name for.
for macro in (
    "seconds_diff(a, b) AS epoch_ms(a::TIMESTAMPTZ) // 1000 - epoch_ms(b::TIMESTAMPTZ) // 1000",
    "seconds_add(a, s) AS a::TIMESTAMPTZ + to_seconds(s)",
    "to_unixtime(t) AS epoch(t)",
    "from_unixtime(s, zone := 'UTC') AS to_timestamp(s)",
):
    connection.execute(f"CREATE MACRO {macro}")

schema: dict = {}
for table in given["tables"]:
    catalog, space, name = table["catalog"], table["schema"], table["name"]
    if catalog not in schema:
        connection.execute(f"ATTACH ':memory:' AS {catalog}")
    if space not in schema.setdefault(catalog, {}):
        connection.execute(f"CREATE SCHEMA {catalog}.{space}")
    schema[catalog].setdefault(space, {})[name] = table["columns"]
    files = ", ".join("'" + path.replace("'", "''") + "'" for path in table["files"])
    connection.execute(
        f"CREATE VIEW {catalog}.{space}.{name} AS "
        f"SELECT * FROM read_parquet([{files}], union_by_name = true)"
    )


def run(sql):
    (tree,) = sqlglot.parse(sql, read=dialect)
    if tree.find(exp.Command):
        raise ValueError("sqlglot did not understand the statement")
    again = tree.sql(dialect, identify=True)
    if sqlglot.parse_one(again, read=dialect).sql(dialect, identify=True) != again:
        raise ValueError("another statement after a round trip")
    versions = list(tree.find_all(exp.Version))
    tables = [one for one in tree.find_all(exp.Table) if one.catalog]
    if len(versions) != len(tables):
        raise ValueError(f"{len(tables)} tables are read at {len(versions)} snapshots")
    for one in tables:
        one.set("version", None)
        one.set("when", None)
    qualify(tree.copy(), schema=schema, dialect=dialect, validate_qualify_columns=True)
    text = tree.sql("duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE)
    found = connection.sql(text)
    # A time with a zone needs a module that is not there.
    times = [str(one).startswith("TIMESTAMP") for one in found.types]
    names = ['"' + name.replace('"', '""') + '"' for name in found.columns]
    columns = [f"epoch_us({name})" if time else name for name, time in zip(names, times)]
    return [
        [time_text(value) if time else plain(value) for value, time in zip(row, times)]
        for row in found.project(", ".join(columns)).fetchall()
    ]


results = []
for statement in given["statements"]:
    try:
        results.append(run(statement))
    except Exception as error:
        results.append({"error": f"{type(error).__name__}: {error}"[:3000]})
print(json.dumps(results))
