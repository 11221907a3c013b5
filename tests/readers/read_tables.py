"""Reads two tables with pyiceberg by their paths, and prints their contents as JSON."""
import json
import sys

from pyiceberg.expressions import EqualTo, GreaterThanOrEqual
from pyiceberg.table import StaticTable


def plain(value):
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else value


def rows(scan):
    found = scan.to_arrow().sort_by([("_partition", "ascending"), ("_offset", "ascending")]).to_pylist()
    return [{name: plain(value) for name, value in row.items()} for row in found]


def table(path):
    return StaticTable.from_metadata(path)


raw = table(sys.argv[1])
updates = table(sys.argv[2])
snapshots = raw.metadata.snapshots
print(
    json.dumps(
        {
            "raw": rows(raw.scan()),
            "fields": [[f.field_id, f.name, str(f.field_type), f.required] for f in raw.schema().fields],
            "spec": [[f.name, str(f.transform)] for f in raw.spec().fields],
            "snapshots": [
                {
                    "id": s.snapshot_id,
                    "parent": s.parent_snapshot_id,
                    "operation": s.summary.operation.value,
                    "through": s.summary.additional_properties.get("millrace.through.0"),
                    "rows": raw.scan(snapshot_id=s.snapshot_id).to_arrow().num_rows,
                }
                for s in snapshots
            ],
            "atl": rows(raw.scan(EqualTo("origin", "ATL"))),
            "wide": rows(raw.scan(GreaterThanOrEqual("seats", 2**40))),
            "small": rows(raw.scan(EqualTo("seats", 7))),
            "newest_day": len(list(raw.scan(GreaterThanOrEqual("date", "2001-01-10T00:00:00+00:00")).plan_files())),
            "all_files": len(list(raw.scan().plan_files())),
            "updates": rows(updates.scan()),
            "updates_spec": [[f.name, str(f.transform)] for f in updates.spec().fields],
        }
    )
)
