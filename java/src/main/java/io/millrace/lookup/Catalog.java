package io.millrace.lookup;

import io.millrace.lookup.LookupException.Code;
import java.io.File;
import java.io.IOException;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import org.apache.paimon.disk.IOManager;

/** The tables of a warehouse that were asked for, each followed. */
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
    if (!name.matches("[A-Za-z0-9_]{1,200}")) throw new LookupException(Code.NOT_FOUND, "there is no table of such a name");
    FollowedTable known = tables.get(name);
    if (known != null && !known.isGone()) return known;
    synchronized (this) {
      known = tables.get(name);
      if (known != null && !known.isGone()) return known;
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
   * Moves each table on, by the executor, those left out that are still at it: one slow table holds
   * up no other.
   */
  void follow(Executor executor) {
    for (FollowedTable table : tables.values()) {
      if (!table.begin()) continue;
      executor.execute(
          () -> {
            try {
              table.follow();
            } catch (Exception | Error e) {
              Log.error(table.name + ": can't be followed", e);
            } finally {
              table.end();
            }
            if (table.isGone()) tables.remove(table.name, table);
          });
    }
  }

  @Override
  public void close() throws IOException {
    for (FollowedTable table : tables.values()) table.close();
  }
}
