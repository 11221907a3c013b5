package io.millrace.lookup;

import io.millrace.lookup.LookupException.Code;
import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.Arrays;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.LongStream;
import org.apache.paimon.Snapshot;
import org.apache.paimon.disk.IOManager;
import org.apache.paimon.fs.Path;
import org.apache.paimon.fs.local.LocalFileIO;
import org.apache.paimon.table.FileStoreTable;
import org.apache.paimon.table.FileStoreTableFactory;

/**
 * A table that is followed from snapshot to snapshot. Readers share a lock, so that all entities of
 * an answer are from one snapshot. A new snapshot is read concurrently with readers, and applied
 * while they wait, which changes only memory.
 */
final class FollowedTable implements AutoCloseable {
  private static final int POLLS_PER_LISTING = 10;
  private static final int TRIES = 3000;

  final String name;
  private final File directory;
  private final IOManager io;
  private final long cacheBytes;
  private final Stats stats;
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
  private volatile TableState state;
  private volatile boolean dropped = false;
  private final AtomicBoolean following = new AtomicBoolean(false);
  private int polls = 0;

  FollowedTable(String name, File directory, IOManager io, long cacheBytes, Stats stats)
      throws LookupException {
    this.name = name;
    this.directory = directory;
    this.io = io;
    this.cacheBytes = cacheBytes;
    this.stats = stats;
    this.state = open();
  }

  static boolean exists(File directory) {
    String[] schemas = new File(directory, "schema").list();
    return schemas != null && Arrays.stream(schemas).anyMatch(s -> s.startsWith("schema-"));
  }

  /**
   * The ids of the snapshots that are kept. The hint files LATEST and EARLIEST are not read,
   * because they may be empty for a moment.
   */
  static LongStream snapshotIds(File directory) {
    String[] names = new File(directory, "snapshot").list();
    return Arrays.stream(names == null ? new String[0] : names)
        .filter(n -> n.matches("snapshot-\\d+"))
        .mapToLong(n -> Long.parseLong(n.substring("snapshot-".length())));
  }

  private TableState open() throws LookupException {
    if (!exists(directory)) throw new LookupException(Code.NOT_FOUND, "there is no table " + name);
    FileStoreTable table =
        FileStoreTableFactory.create(LocalFileIO.create(), new Path(directory.getPath()));
    for (int attempt = 0; ; attempt++) {
      TableState opened = new TableState(table, io, cacheBytes, stats);
      OptionalLong newest = snapshotIds(directory).max();
      if (newest.isEmpty()) return opened;
      try {
        opened.load(table.snapshotManager().tryGetSnapshot(newest.getAsLong()));
        return opened;
      } catch (FileNotFoundException | RuntimeException e) {
        // Expired between listing and reading: the next listing has a newer one.
        if (attempt >= 3)
          throw new LookupException(
              Code.FAILED, "the files of table " + name + " can't be listed: " + e);
      }
    }
  }

  boolean isDropped() {
    return dropped;
  }

  TableState state() {
    return state;
  }

  <T> T read(Reading<T> reading) throws IOException, LookupException {
    lock.readLock().lock();
    try {
      if (dropped)
        throw new LookupException(Code.HANDLE_UNKNOWN, "the table " + name + " was dropped");
      return reading.of(state);
    } finally {
      lock.readLock().unlock();
    }
  }

  interface Reading<T> {
    T of(TableState state) throws IOException, LookupException;
  }

  /** @return false if another thread is following the table already */
  boolean begin() {
    return following.compareAndSet(false, true);
  }

  void end() {
    following.set(false);
  }

  /** Applies all snapshots up to the newest. */
  synchronized void follow() throws IOException, LookupException {
    while (!dropped && hasNext()) step();
    if (!dropped && ++polls % POLLS_PER_LISTING == 0) check();
  }

  private boolean hasNext() {
    return new File(directory, "snapshot/snapshot-" + (state.snapshotId + 1)).exists();
  }

  /**
   * Gets the write lock. A waiting writer blocks new readers, and a reader may be reading files, so
   * first try for some time without waiting.
   */
  private void enterAlone() {
    for (int i = 0; i < TRIES && !Thread.currentThread().isInterrupted(); i++) {
      if (lock.writeLock().tryLock()) return;
      LockSupport.parkNanos(1_000_000);
    }
    lock.writeLock().lock();
  }

  private void step() throws IOException, LookupException {
    TableState now = state;
    TableState.Step step;
    try {
      Snapshot next = now.table.snapshotManager().tryGetSnapshot(now.snapshotId + 1);
      step = now.prepare(next);
    } catch (IOException | RuntimeException e) {
      Log.error(
          name + ": snapshot " + (now.snapshotId + 1) + " can't be applied, loading all files", e);
      step = null;
    }
    if (step == null) {
      replace();
      return;
    }
    enterAlone();
    try {
      now.apply(step);
    } finally {
      lock.writeLock().unlock();
    }
    warm(step);
  }

  /**
   * Reads the new files without the table's lock, so readers continue.
   */
  private void warm(TableState.Step step) throws IOException {
    for (TableState.NewFile file : step.files()) file.bucket().warm(file.firstKey());
  }

  /** Checks, once every few polls, that the table exists and that no snapshot was missed. */
  private void check() throws IOException, LookupException {
    if (!exists(directory)) {
      Log.info(name + ": dropped");
      close();
      return;
    }
    long newest = snapshotIds(directory).max().orElse(0);
    if (newest != state.snapshotId && !hasNext()) {
      Log.info(name + ": from snapshot " + state.snapshotId + " to " + newest + " in one step");
      replace();
    }
  }

  /** Whether the table has been altered since it was opened. */
  boolean isAltered() {
    return state.table.schemaManager().latest().map(latest -> latest.id() > state.shape.schema.id())
        .orElse(false);
  }

  /** Loads all files of the newest snapshot into a new state. */
  synchronized void replace() throws IOException, LookupException {
    TableState next = open();
    TableState old = state;
    enterAlone();
    try {
      state = next;
    } finally {
      lock.writeLock().unlock();
    }
    old.close();
  }

  @Override
  public void close() throws IOException {
    lock.writeLock().lock();
    try {
      if (dropped) return;
      dropped = true;
      state.close();
    } finally {
      lock.writeLock().unlock();
    }
  }
}
