"""Feast's own client: one request on each line of stdin, one answer on each line of stdout (JSON).

Its online store is `remote`: a Millrace gateway.
"""
import json
import sys
from datetime import datetime, timezone

import pandas as pd
from feast import FeatureStore

store = FeatureStore(repo_path=".")


def read(request):
    what = store.get_feature_service(request["service"]) if "service" in request else request["features"]
    answer = store.get_online_features(features=what, entity_rows=request["rows"], full_feature_names=request.get("full", False))
    return {"values": answer.to_dict(), "statuses": {}}


def types(request):
    answer = store.get_online_features(features=request["features"], entity_rows=request["rows"])
    return {name: type(values[0]).__name__ for name, values in answer.to_dict().items()}


def write(request):
    frame = pd.DataFrame(request["df"])
    frame["event_timestamp"] = pd.to_datetime(frame["event_timestamp"], utc=True)
    store.write_to_online_store(request["view"], df=frame)
    return {}


for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"read": read, "types": types, "write": write}[request["do"]](request)
    except Exception as error:  # what a user would see
        answer = {"error": type(error).__name__, "message": str(error)}
    print(json.dumps(answer), flush=True)
