"""Reads a table through the catalog with pyiceberg, and prints what it finds as JSON.

Arguments: the catalog's URL, a key that may read the table, one that may not, the table, a filter.
"""
import json
import sys

from pyiceberg.catalog import load_catalog
from pyiceberg.schema import Schema

url, key, other_key, name, where = sys.argv[1:]
namespace = name.split(".")[0]


def attach(token):
    return load_catalog("millrace", type="rest", uri=url, **({"token": token} if token else {}))


def refusal(call):
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return None


def rows(scan):
    columns = ("_partition", "_offset")
    found = scan.to_arrow().sort_by([(name, "ascending") for name in columns]).to_pylist()
    return [{name: plain(value) for name, value in row.items()} for row in found]


def plain(value):
    return value.isoformat() if hasattr(value, "isoformat") else value


catalog = attach(key)
table = catalog.load_table(name)
print(
    json.dumps(
        {
            "namespaces": [list(one) for one in catalog.list_namespaces()],
            "tables": [".".join(one) for one in catalog.list_tables(namespace)],
            "views": [list(one) for one in catalog.list_views(namespace)],
            "exists": [
                catalog.table_exists(name),
                catalog.table_exists(f"{namespace}.no_such_table"),
                catalog.namespace_exists(namespace),
                catalog.namespace_exists("no_such_namespace"),
            ],
            "rows": rows(table.scan()),
            "filtered": rows(table.scan(row_filter=where)),
            # As text: JSON.parse would round them.
            "snapshots": [
                {
                    "id": str(one.snapshot_id),
                    "rows": rows(table.scan(snapshot_id=one.snapshot_id)),
                }
                for one in table.snapshots()
            ],
            "current": str(table.current_snapshot().snapshot_id),
            "refused": {
                "without a key": refusal(lambda: attach(None).list_namespaces()),
                "wrong key": refusal(lambda: attach("nonsense").list_namespaces()),
                "not allowed": refusal(lambda: attach(other_key).load_table(name)),
                "missing": refusal(lambda: catalog.load_table(f"{namespace}.no_such_table")),
                "create": refusal(lambda: catalog.create_table(f"{namespace}.new", Schema())),
                "drop": refusal(lambda: catalog.drop_table(name)),
                "commit": refusal(
                    lambda: table.transaction().set_properties({"a": "b"}).commit_transaction()
                ),
            },
        }
    )
)
