package io.millrace.lookup;

import io.millrace.lookup.LookupException.Code;
import java.io.File;
import java.io.IOException;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import org.apache.paimon.disk.IOManager;

/** The requested tables of a warehouse; each is followed. */
final class Catalog implements AutoCloseable {
  private static final String DATABASE = "millrace";

  private final File warehouse;
  private final IOManager io;
  private final long cacheBytes;
  private final Stats stats;
  private final Map<String, FollowedTable> tables = new ConcurrentHashMap<>();

  Catalog(File warehouse, IOManager io, long cacheBytes, Stats stats) {
    this.warehouse = warehouse;
    this.io = io;
    this.cacheBytes = cacheBytes;
    this.stats = stats;
  }

  File directory(String name) {
    return new File(warehouse, DATABASE + ".db/" + name);
  }

  FollowedTable open(String name) throws LookupException {
    if (!name.matches("[A-Za-z0-9_]{1,200}"))
      throw new LookupException(Code.NOT_FOUND, "there is no table with this name");
    FollowedTable open = tables.get(name);
    if (open != null && !open.isDropped()) return open;
    synchronized (this) {
      open = tables.get(name);
      if (open != null && !open.isDropped()) return open;
      FollowedTable opened = new FollowedTable(name, directory(name), io, cacheBytes, stats);
      tables.put(name, opened);
      Log.info(name + ": opened at snapshot " + opened.state().snapshotId);
      return opened;
    }
  }

  Collection<FollowedTable> tables() {
    return tables.values();
  }

  /**
   * Lets the executor follow each table, except those that are still being followed. One slow table
   * does not delay the others.
   */
  void follow(Executor executor) {
    for (FollowedTable table : tables.values()) {
      if (!table.begin()) continue;
      executor.execute(
          () -> {
            try {
              table.follow();
            } catch (Exception | Error e) {
              Log.error(table.name + ": the newest snapshots can't be read", e);
            } finally {
              table.end();
            }
            if (table.isDropped()) tables.remove(table.name, table);
          });
    }
  }

  @Override
  public void close() throws IOException {
    for (FollowedTable table : tables.values()) table.close();
  }
}
