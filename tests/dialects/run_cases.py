"""Runs statements on an engine, and prints their results as JSON.

Arguments: the engine, and a file with a JSON list of statements. Engines: spark; clickhouse, with
the address of its server as a third argument; or the name of a dialect of sqlglot, whose statements
are translated to DuckDB's and run there.
Each result is a list of rows as objects, or {"error": text}.
"""

from __future__ import annotations

import json
import math
import sys
from decimal import Decimal


def plain(value):
    if isinstance(value, Decimal):
        return float(value) if value % 1 else int(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value


def spark():
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "1g")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.session.timeZone", "America/New_York")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")

    def run(sql):
        found = session.sql(sql)
        names = found.columns
        return [dict(zip(names, map(plain, row))) for row in found.collect()]

    return run


def clickhouse():
    from urllib.error import HTTPError
    from urllib.request import urlopen

    settings = (
        "?default_format=JSON&output_format_json_quote_64bit_integers=0"
        "&output_format_json_quote_denormals=1"
    )

    def run(sql):
        try:
            with urlopen(sys.argv[3] + "/" + settings, sql.encode()) as answer:
                return json.load(answer)["data"]
        except HTTPError as error:
            raise ValueError(error.read().decode()) from None

    return run


def translated(dialect):
    import duckdb
    import sqlglot
    from sqlglot import exp

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    # What DuckDB has no function of that name for.
    connection.execute("CREATE MACRO milliseconds_diff(a, b) AS epoch_ms(a) - epoch_ms(b)")

    def run(sql):
        (tree,) = sqlglot.parse(sql, read=dialect)
        if tree.find(exp.Command):
            raise ValueError("sqlglot did not understand the statement")
        # With all names quoted: some dialects quote those that are their words.
        again = tree.sql(dialect, identify=True)
        if sqlglot.parse_one(again, read=dialect).sql(dialect, identify=True) != again:
            raise ValueError("another statement after a round trip")
        text = tree.sql("duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE)
        found = connection.execute(text)
        names = [column[0] for column in found.description]
        return [dict(zip(names, map(plain, row))) for row in found.fetchall()]

    return run


engine, path = sys.argv[1:3]
run = {"spark": spark, "clickhouse": clickhouse}.get(engine, lambda: translated(engine))()
results = []
with open(path, encoding="utf8") as file:
    statements = json.load(file)
for statement in statements:
    try:
        results.append(run(statement))
    except Exception as error:
        results.append({"error": f"{type(error).__name__}: {error}"[:2000]})
print(json.dumps(results))
