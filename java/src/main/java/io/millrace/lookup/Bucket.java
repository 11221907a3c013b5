package io.millrace.lookup;

import java.io.IOException;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.paimon.data.BinaryRow;
import org.apache.paimon.data.GenericRow;
import org.apache.paimon.data.InternalRow;
import org.apache.paimon.disk.IOManager;
import org.apache.paimon.io.DataFileMeta;
import org.apache.paimon.table.FileStoreTable;
import org.apache.paimon.table.query.LocalTableQuery;

/** One bucket of a table: Paimon's lookup over its files, and the tiles already looked up. Guarded by itself. */
final class Bucket implements AutoCloseable {
  private final TableShape shape;
  private final int number;
  private final LocalTableQuery query;
  private final Map<Projection, TileCache> caches = new IdentityHashMap<>();
  private final AtomicLong used;
  private final long limit;
  private final Stats stats;

  Bucket(FileStoreTable table, TableShape shape, int number, IOManager io, AtomicLong used, long limit, Stats stats) {
    this.shape = shape;
    this.number = number;
    this.query = table.newLocalTableQuery().withIOManager(io);
    this.used = used;
    this.limit = limit;
    this.stats = stats;
  }

  synchronized void refreshFiles(List<DataFileMeta> before, List<DataFileMeta> after) {
    query.refreshFiles(BinaryRow.EMPTY_ROW, number, before, after);
  }

  private TileCache cache(Projection projection) {
    return caches.computeIfAbsent(projection, p -> new TileCache(p.hopCount(), used, limit));
  }

  /** A row that a new snapshot brought: put where its tile is known. @param row null: the tile is deleted */
  synchronized void apply(ByteKey key, long hopMs, long start, InternalRow row) {
    for (Map.Entry<Projection, TileCache> entry : caches.entrySet()) {
      Projection projection = entry.getKey();
      int hop = projection.hopOf(hopMs);
      if (hop < 0) continue;
      TileCache.Entity entity = entry.getValue().get(key);
      if (entity == null || !entity.hops[hop].knows(start)) continue;
      entity.hops[hop].put(start, row == null ? null : projection.encode(hop, row));
      entry.getValue().changed(key, entity);
    }
  }

  /**
   * The tiles of an entity within each hop's range.
   *
   * @param cold whether tiles that are not known may be looked up, which may read files
   * @return whether all tiles were known or looked up
   */
  synchronized boolean collect(Projection projection, Ranges ranges, ByteKey key, Object[] values, boolean cold, Answer answer)
      throws IOException {
    TileCache cache = cache(projection);
    TileCache.Entity entity = cold ? cache.getOrAdd(key) : cache.get(key);
    if (entity == null) return false;
    boolean changed = false;
    for (int hop = 0; hop < entity.hops.length; hop++) {
      if (entity.hops[hop].covers(ranges.from(hop), ranges.to(hop))) continue;
      if (!cold) return false;
      changed = true;
      learn(projection, hop, ranges.from(hop), ranges.to(hop), values, entity.hops[hop]);
    }
    if (changed) cache.changed(key, entity);
    for (int hop = 0; hop < entity.hops.length; hop++) answer.add(hop, entity.hops[hop], ranges.from(hop), ranges.to(hop));
    return true;
  }

  /** Looks up what of a range is not known yet. A range apart from the known one takes its place. */
  private void learn(Projection projection, int hop, long from, long to, Object[] values, HopTiles tiles) throws IOException {
    long hopMs = projection.hopMs(hop);
    long step = hopMs > 0 ? hopMs : 1;
    if (tiles.from > tiles.to || from > tiles.to + step || to < tiles.from - step) {
      tiles.clear();
      lookUp(projection, hop, step, from, to, values, tiles);
      tiles.from = from;
      tiles.to = to;
      return;
    }
    if (from < tiles.from) {
      lookUp(projection, hop, step, from, tiles.from - step, values, tiles);
      tiles.from = from;
    }
    if (to > tiles.to) {
      lookUp(projection, hop, step, tiles.to + step, to, values, tiles);
      tiles.to = to;
    }
    // A window that moves on leaves tiles behind; a few are kept for requests that race.
    long span = to - from + step;
    if (tiles.to - tiles.from > 2 * span) tiles.forgetBefore(from - (span / step / 4) * step);
  }

  private void lookUp(Projection projection, int hop, long step, long from, long to, Object[] values, HopTiles into)
      throws IOException {
    GenericRow key = shape.keyRow(values);
    for (long start = from; start <= to; start += step) {
      shape.setTile(key, projection.hopMs(hop), start);
      InternalRow row = query.lookup(BinaryRow.EMPTY_ROW, number, key);
      stats.coldLookups.increment();
      into.put(start, row == null ? null : projection.encode(hop, row));
    }
  }

  synchronized int cachedEntities() {
    return caches.values().stream().mapToInt(TileCache::entities).sum();
  }

  synchronized long cachedTiles() {
    return caches.values().stream().mapToLong(TileCache::tiles).sum();
  }

  @Override
  public synchronized void close() throws IOException {
    for (TileCache cache : caches.values()) cache.clear();
    caches.clear();
    query.close();
  }
}
