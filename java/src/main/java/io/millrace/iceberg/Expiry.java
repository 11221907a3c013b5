package io.millrace.iceberg;

import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;

/**
 * Expires old snapshots and removes the files that only they referenced.
 *
 * Flink's newest commit and all later snapshots are kept, whatever their age. A job that restarts
 * from a checkpoint searches from the newest snapshot back to its own last one, to find which of
 * its commits are in the table. If it did not find that one, it would commit them again.
 */
final class Expiry {
  private static final String FLINK_JOB = "flink.job-id";

  private Expiry() {}

  /**
   * @param minAgeMs snapshots younger than this are kept, because a read may take this long
   * @return how many snapshots were expired
   */
  static int run(Table table, int keep, long minAgeMs, long now) {
    table.refresh();
    long before = Math.min(now - minAgeMs, newestOfFlink(table, now));
    long old = StreamSupport.stream(table.snapshots().spliterator(), false)
        .filter(s -> s.timestampMillis() < before).count();
    int snapshots = count(table);
    if (old == 0 || snapshots <= keep) return 0;
    table.expireSnapshots().expireOlderThan(before).retainLast(keep).commit();
    table.refresh();
    return snapshots - count(table);
  }

  private static long newestOfFlink(Table table, long now) {
    Snapshot at = table.currentSnapshot();
    while (at != null && !at.summary().containsKey(FLINK_JOB))
      at = at.parentId() == null ? null : table.snapshot(at.parentId());
    return at == null ? now + TimeUnit.DAYS.toMillis(1) : at.timestampMillis();
  }

  private static int count(Table table) {
    return (int) StreamSupport.stream(table.snapshots().spliterator(), false).count();
  }
}
