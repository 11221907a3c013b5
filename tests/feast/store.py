"""A Feast repository with everything that an import reads, and some that it cannot import.

See import.client.test.ts.
"""
from datetime import timedelta

import pandas as pd

from feast import (
    Entity,
    FeatureService,
    FeatureView,
    Field,
    FileSource,
    KafkaSource,
    PushSource,
    RequestSource,
    StreamFeatureView,
    ValueType,
)
from feast.aggregation import Aggregation
from feast.data_format import JsonFormat
from feast.feature_logging import LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import (
    Array,
    Bool,
    Bytes,
    Float32,
    Float64,
    Int32,
    Int64,
    Json,
    Map,
    String,
    UnixTimestamp,
)

LONG = timedelta(days=3650)

driver = Entity(
    name="driver",
    join_keys=["driver_id"],
    value_type=ValueType.INT64,
    description='Who "drives"',
    owner="fleet@example.com",
    tags={"team": "fleet", "pii": ""},
)
customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
vendor = Entity(name="Vendor-EU", join_keys=["vendor"], value_type=ValueType.INT32)

# Its columns are renamed: conv is the feature conv_rate, drv is the key.
stats_source = FileSource(
    name="driver_stats_rows",
    path="driver_stats.parquet",
    timestamp_field="event_timestamp",
    created_timestamp_column="created",
    field_mapping={"conv": "conv_rate", "drv": "driver_id"},
    description="Hourly rows",
    owner="fleet@example.com",
)
driver_stats = FeatureView(
    name="driver_stats",
    entities=[driver],
    ttl=LONG,
    source=stats_source,
    schema=[
        Field(name="driver_id", dtype=Int64),
        Field(name="conv_rate", dtype=Float64, description="Trips that came of offers"),
        Field(name="acc_rate", dtype=Float32),
        Field(name="trips", dtype=Int64),
        Field(name="level", dtype=Int32),
        Field(name="city", dtype=String),
        Field(name="active", dtype=Bool),
        Field(name="last_seen", dtype=UnixTimestamp),
        Field(name="badge", dtype=Bytes),
        Field(name="scores", dtype=Array(Float64)),
        Field(name="ranks", dtype=Array(Int64)),
        Field(name="areas", dtype=Array(String)),
        Field(name="seen", dtype=Array(UnixTimestamp)),
        Field(name="settings", dtype=Json),
        Field(name="extra", dtype=Map),
    ],
    description="What a driver did",
    owner="fleet@example.com",
    tags={"tier": "gold"},
)

# Two entities, from an unnamed file; the name of the view is not valid in Millrace.
pair_source = FileSource(path="pairs.parquet", timestamp_field="at")
trips_together = FeatureView(
    name="TripsTogether",
    entities=[driver, customer],
    ttl=timedelta(0),
    source=pair_source,
    schema=[
        Field(name="driver_id", dtype=Int64),
        Field(name="customer_id", dtype=String),
        Field(name="trips", dtype=Int64),
        Field(name="Rating", dtype=Float64),
    ],
)
# The same source, keyed by one of its entities.
customer_ratings = FeatureView(
    name="customer_ratings",
    entities=[customer],
    ttl=LONG,
    source=pair_source,
    schema=[Field(name="customer_id", dtype=String), Field(name="Rating", dtype=Float64)],
    online=False,
)
weather = FeatureView(
    name="weather",
    entities=[],
    ttl=LONG,
    source=FileSource(name="weather_rows", path="weather.parquet", timestamp_field="event_timestamp"),
    schema=[Field(name="temperature", dtype=Float64)],
)
# No view uses it.
spare = FileSource(name="spare_rows", path="vendors.parquet", timestamp_field="event_timestamp")
vendor_push = PushSource(
    name="vendor_push",
    batch_source=FileSource(name="vendor_rows", path="vendors.parquet", timestamp_field="event_timestamp"),
)
vendor_stats = FeatureView(
    name="vendor_stats",
    entities=[vendor],
    ttl=LONG,
    source=vendor_push,
    schema=[Field(name="vendor", dtype=Int32), Field(name="stock", dtype=Int64)],
)

ride_events = KafkaSource(
    name="ride_events",
    kafka_bootstrap_servers="localhost:9092",
    topic="rides",
    timestamp_field="event_timestamp",
    batch_source=FileSource(name="ride_rows", path="rides.parquet", timestamp_field="event_timestamp"),
    message_format=JsonFormat(schema_json="driver_id integer, event_timestamp timestamp, fare double"),
    watermark_delay_threshold=timedelta(minutes=5),
)
ride_windows = StreamFeatureView(
    name="ride_windows",
    entities=[driver],
    ttl=LONG,
    source=ride_events,
    mode="spark",
    timestamp_field="event_timestamp",
    schema=[Field(name="driver_id", dtype=Int64), Field(name="fares", dtype=Float64), Field(name="fare", dtype=Float64)],
    aggregations=[
        Aggregation(column="fare", function="sum", time_window=timedelta(hours=1), slide_interval=timedelta(minutes=5), name="fares"),
        Aggregation(column="fare", function="mean", time_window=timedelta(days=1)),
        Aggregation(column="fare", function="count", time_window=timedelta(days=1)),
        Aggregation(column="fare", function="median", time_window=timedelta(days=1)),
    ],
)

asked = RequestSource(name="asked", schema=[Field(name="hour", dtype=Int64), Field(name="bonus", dtype=Float64)])


@on_demand_feature_view(
    sources=[driver_stats[["conv_rate"]], asked],
    schema=[Field(name="rate_with_bonus", dtype=Float64), Field(name="half_rate", dtype=Float64)],
)
def adjusted(inputs: pd.DataFrame) -> pd.DataFrame:
    # plain arithmetic
    df = pd.DataFrame()
    df["rate_with_bonus"] = (inputs["conv_rate"] + inputs["bonus"]) * 2
    df["half_rate"] = inputs["conv_rate"] / 2 - inputs["hour"]
    return df


@on_demand_feature_view(sources=[driver_stats[["city"]]], schema=[Field(name="shouted", dtype=String)])
def shouting(inputs: pd.DataFrame) -> pd.DataFrame:
    df = pd.DataFrame()
    df["shouted"] = inputs["city"].str.upper()
    return df


model = FeatureService(
    name="fare_model",
    features=[driver_stats[["conv_rate", "trips", "extra"]], adjusted, shouting],
    description="What the fare model reads",
    owner="pricing",
    tags={"stage": "live"},
    logging_config=LoggingConfig(destination=FileLoggingDestination(path="logs"), sample_rate=0.1),
)
aliased = FeatureService(
    name="aliased",
    features=[
        driver_stats[["city"]].with_name("driver_profile"),
        driver_stats[["trips"]].with_join_key_map({"driver_id": "other_driver"}),
        trips_together[["trips", "Rating"]],
    ],
)
