"""The benchmarks' features in Feast: COLUMNS columns of an entity, from one Parquet file."""
import os
from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64

COLUMNS = int(os.environ["COLUMNS"])


def field(i):
    return Field(name=f"f{i}", dtype=Int64 if i % 2 == 0 else Float64)


driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
rows = FileSource(path="rows.parquet", timestamp_field="event_timestamp")
drivers = FeatureView(
    name="drivers", entities=[driver], ttl=timedelta(days=36500), source=rows,
    schema=[field(i) for i in range(COLUMNS)],
)
if os.environ.get("VECTORS"):
    vectors = FeatureService(name="vectors", features=[drivers], precompute_online=True)
