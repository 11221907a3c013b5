package io.millrace.lookup;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** Counts and times for the `status` request. Times are those of the newest requests. */
final class Stats {
  private static final int KEPT = 4096;

  final LongAdder requests = new LongAdder();
  final LongAdder warm = new LongAdder();
  final LongAdder coldLookups = new LongAdder();
  final LongAdder tiles = new LongAdder();
  final AtomicLong cachedBytes = new AtomicLong();

  private final long[] micros = new long[KEPT];
  private long measured = 0;
  private long since = System.nanoTime();
  private long requestsThen = 0;

  synchronized void took(long nanos) {
    micros[(int) (measured++ % KEPT)] = nanos / 1000;
  }

  /** requests per second since the last `status` request */
  synchronized double rate() {
    long now = System.nanoTime();
    long count = requests.sum();
    double rate = (count - requestsThen) * 1e9 / Math.max(1, now - since);
    since = now;
    requestsThen = count;
    return rate;
  }

  synchronized long quantileMicros(double quantile) {
    int n = (int) Math.min(measured, KEPT);
    if (n == 0) return 0;
    long[] sorted = Arrays.copyOf(micros, n);
    Arrays.sort(sorted);
    return sorted[Math.min(n - 1, (int) (n * quantile))];
  }
}
