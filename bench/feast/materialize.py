"""Materializes one view and prints the seconds that it took: `materialize.py VIEW`."""
import sys
import time
from datetime import datetime, timezone

import memory

memory.cap()

from feast import FeatureStore  # noqa: E402

FROM = datetime(2020, 1, 1, tzinfo=timezone.utc)
TO = datetime(2030, 1, 1, tzinfo=timezone.utc)

store = FeatureStore(repo_path=".")
started, cpu = time.perf_counter(), time.process_time()
store.materialize(FROM, TO, feature_views=[sys.argv[1]])
print(f"seconds {time.perf_counter() - started} cpu {time.process_time() - cpu}")
