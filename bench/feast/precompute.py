"""Precomputes the vectors of one service and prints the seconds: `precompute.py SERVICE`."""
import sys
import time

import memory

memory.cap()

from feast import FeatureStore  # noqa: E402

store = FeatureStore(repo_path=".")
started, cpu = time.perf_counter(), time.process_time()
count = store.precompute_feature_service(sys.argv[1])
if count == 0:
    raise SystemExit("no vector was written")
print(f"seconds {time.perf_counter() - started} cpu {time.process_time() - cpu}")
