"""Materializes one view and prints the seconds it took: `materialize.py VIEW`."""
import sys
import time
from datetime import datetime, timezone

from feast import FeatureStore

store = FeatureStore(repo_path=".")
started = time.perf_counter()
store.materialize(datetime(2020, 1, 1, tzinfo=timezone.utc), datetime(2030, 1, 1, tzinfo=timezone.utc), feature_views=[sys.argv[1]])
print(f"seconds {time.perf_counter() - started}")
