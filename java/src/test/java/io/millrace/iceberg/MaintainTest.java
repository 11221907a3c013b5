package io.millrace.iceberg;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.StreamSupport;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MaintainTest {
  private static final Compaction.Limits ALL = new Compaction.Limits(2, 1 << 20, 1_000_000);

  @TempDir Path warehouse;

  @Test
  void compactionKeepsEveryRowOnce() throws Exception {
    Table table = TestTable.open(warehouse);
    for (long n = 0; n < 12; n++) TestTable.append(table, n);
    List<String> before = TestTable.rows(table);
    assertEquals(new Compaction.Done(12, 1), new Compaction(table).run(ALL));
    assertEquals(before, TestTable.rows(table));
    TestTable.append(table, 12);
    assertEquals(13, TestTable.rows(table).size());
    assertEquals(new Compaction.Done(0, 0),
        new Compaction(table).run(new Compaction.Limits(3, 1 << 20, 1_000_000)));
  }

  @Test
  void whatIsAppendedMeanwhileStays() throws Exception {
    Table table = TestTable.open(warehouse);
    for (long n = 0; n < 6; n++) TestTable.append(table, n);
    // This handle does not have the other writer's append yet, so its commit is repeated on top of
    // it.
    Table late = TestTable.open(warehouse);
    TestTable.append(table, 6);
    assertEquals(new Compaction.Done(6, 1), new Compaction(late).run(ALL));
    assertEquals(7, TestTable.rows(table).size());
  }

  @Test
  void flinksNewestCommitIsNeverForgotten() throws Exception {
    Table table = TestTable.open(warehouse);
    for (long n = 0; n < 6; n++) TestTable.append(table, n);
    long flinks = table.currentSnapshot().snapshotId();
    new Compaction(table).run(ALL);
    assertEquals(5, Expiry.run(table, 1, 0, System.currentTimeMillis() + 10));
    // No snapshot is missing from the newest back to Flink's.
    Snapshot newest = table.currentSnapshot();
    assertEquals(flinks, newest.parentId());
    assertNotNull(table.snapshot(flinks));
    assertEquals(6, TestTable.rows(table).size());
  }

  @Test
  void youngSnapshotsStayAndTheirFilesWithThem() throws Exception {
    Table table = TestTable.open(warehouse);
    for (long n = 0; n < 6; n++) TestTable.append(table, n);
    new Compaction(table).run(ALL);
    assertEquals(0, Expiry.run(table, 1, 3_600_000, System.currentTimeMillis()));
    assertEquals(7, StreamSupport.stream(table.snapshots().spliterator(), false).count());
    TestTable.append(table, 6);
    assertTrue(Expiry.run(table, 1, 0, System.currentTimeMillis() + 10) > 0);
    try (var files = Files.walk(warehouse)) {
      // The compacted file and the one appended after it.
      assertEquals(2, files.filter(file -> file.toString().endsWith(".parquet")).count());
    }
  }

  @Test
  void noCommitIsLostWhereProcessesAndThreadsWriteAtOnce() throws Exception {
    int each = 15;
    TestTable.open(warehouse);
    List<Process> others = new ArrayList<>();
    for (int i = 0; i < 2; i++) others.add(elsewhere(i * each, (i + 1) * each));
    ExecutorService threads = Executors.newFixedThreadPool(2);
    List<Future<?>> here = new ArrayList<>();
    for (int i = 2; i < 4; i++) {
      int from = i * each;
      here.add(
          threads.submit(
              () -> {
                Table table = TestTable.open(warehouse);
                for (long n = from; n < from + each; n++) TestTable.append(table, n);
                return null;
              }));
    }
    for (Future<?> one : here) one.get();
    for (Process one : others) assertEquals(0, one.waitFor());
    threads.shutdown();
    Table table = TestTable.open(warehouse);
    assertEquals(4 * each, TestTable.rows(table).size());
    assertEquals(4 * each, StreamSupport.stream(table.snapshots().spliterator(), false).count());
  }

  private Process elsewhere(long from, long to) throws Exception {
    return new ProcessBuilder(
            System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
            "-cp",
            System.getProperty("java.class.path"),
            AppendFromElsewhere.class.getName(),
            warehouse.toString(),
            String.valueOf(from),
            String.valueOf(to))
        .redirectErrorStream(true)
        .redirectOutput(warehouse.resolve("other-" + from + ".log").toFile())
        .start();
  }
}
