"""The definitions of a team that uses Feast, with the names of feature-store.client.test.ts."""
from datetime import timedelta

import pandas as pd
from feast import Entity, FeatureService, FeatureView, Field, FileSource, RequestSource, ValueType
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64, Int64, String

airport = Entity(name="airport", join_keys=["origin"], value_type=ValueType.STRING)
flights = FileSource(path="flights.parquet", timestamp_field="event_timestamp")
airport_delays = FeatureView(
    name="airport_delays", entities=[airport], ttl=timedelta(days=3650), source=flights,
    schema=[Field(name="departures", dtype=Int64), Field(name="delay_avg", dtype=Float64), Field(name="last_destination", dtype=String)],
)
delay_model = FeatureService(name="delay_model", features=[airport_delays[["departures", "delay_avg"]]])

# Feast's client writes to it: its columns are those of the source.
driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
driver_rows = FileSource(path="flights.parquet", timestamp_field="event_timestamp")
driver_stats = FeatureView(
    name="driver_stats", entities=[driver], ttl=timedelta(days=3650), source=driver_rows,
    schema=[Field(name="conv_rate", dtype=Float64), Field(name="trips", dtype=Int64)],
)

# Two entities, and features computed on read. Feast has only their declarations: the server that
# computes them is Millrace.
target = Entity(name="target", join_keys=["destination"], value_type=ValueType.STRING)
legs = FeatureView(
    name="legs", entities=[airport, target], ttl=timedelta(days=3650), source=flights, schema=[Field(name="flights", dtype=Int64)],
)
asked = RequestSource(name="asked", schema=[Field(name="bonus", dtype=Float64)])


@on_demand_feature_view(sources=[airport_delays[["delay_avg"]], asked], schema=[Field(name="boosted", dtype=Float64)])
def boost(inputs: pd.DataFrame) -> pd.DataFrame:
    df = pd.DataFrame()
    df["boosted"] = inputs["delay_avg"] + inputs["bonus"]
    return df
