package io.millrace.lookup;

import java.io.IOException;
import java.util.ArrayList;
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

/**
 * One bucket of a table: Paimon's lookup over its files, and the tiles already looked up. It has
 * two locks, so that cached tiles are answered while files are read for others: `caches` guards the
 * caches, `query` the files. The caller must have the table's lock, so that no new snapshot is
 * applied between a lookup in the files and the update of the cache.
 */
final class Bucket implements AutoCloseable {
  private static final long WARM_NANOS = 120_000_000_000L;

  private final TableShape shape;
  private final int number;
  private final LocalTableQuery query;
  private final Map<Projection, TileCache> caches = new IdentityHashMap<>();
  private final AtomicLong used;
  private final long limit;
  private final Stats stats;
  /** when files were last read for a request */
  private volatile long lastFileRead = System.nanoTime() - WARM_NANOS - 1;

  Bucket(FileStoreTable table, TableShape shape, int number, IOManager io, AtomicLong used,
      long limit, Stats stats) {
    this.shape = shape;
    this.number = number;
    this.query = table.newLocalTableQuery().withIOManager(io);
    this.used = used;
    this.limit = limit;
    this.stats = stats;
  }

  void refreshFiles(List<DataFileMeta> before, List<DataFileMeta> after) {
    synchronized (query) {
      query.refreshFiles(BinaryRow.EMPTY_ROW, number, before, after);
    }
  }

  private TileCache cache(Projection projection) {
    return caches.computeIfAbsent(projection, p -> new TileCache(p.hopCount(), used, limit));
  }

  /**
   * Applies a row of a new snapshot to the caches that cover its tile.
   *
   * @param row null: the tile is deleted
   */
  void apply(ByteKey key, long hopMs, long start, InternalRow row) {
    synchronized (caches) {
      for (Map.Entry<Projection, TileCache> entry : caches.entrySet()) {
        Projection projection = entry.getKey();
        int hop = projection.hopOf(hopMs);
        TileCache.Entity entity = hop < 0 ? null : entry.getValue().get(key);
        if (entity == null || !entity.hops[hop].includes(start)) continue;
        entity.hops[hop].put(start, row == null ? null : projection.encode(hop, row));
        entry.getValue().changed(key, entity);
      }
    }
  }

  /**
   * Adds the tiles of an entity within each hop's range to an answer, if all are cached.
   *
   * @return whether they were
   */
  boolean collect(Projection projection, Ranges ranges, ByteKey key, Answer answer) {
    synchronized (caches) {
      TileCache.Entity entity = cache(projection).get(key);
      if (entity == null) return false;
      for (int hop = 0; hop < entity.hops.length; hop++)
        if (!entity.hops[hop].covers(ranges.from(hop), ranges.to(hop))) return false;
      for (int hop = 0; hop < entity.hops.length; hop++)
        answer.add(hop, entity.hops[hop], ranges.from(hop), ranges.to(hop));
      return true;
    }
  }

  /** The same, after looking up the tiles that are not cached. */
  void lookUpAndCollect(Projection projection, Ranges ranges, ByteKey key, Object[] values,
      Answer answer) throws IOException {
    for (int hop = 0; hop < projection.hopCount(); hop++) {
      Missing missing = missing(projection, ranges, key, hop);
      if (missing != null)
        store(projection, key, hop, missing, lookUp(projection, hop, missing, values), ranges);
    }
    // An entity that is too large for the cache may be evicted at once, but must be answered.
    if (collect(projection, ranges, key, answer)) return;
    HopTiles[] tiles = new HopTiles[projection.hopCount()];
    for (int hop = 0; hop < tiles.length; hop++) {
      tiles[hop] = new HopTiles();
      fill(tiles[hop],
          lookUp(projection, hop, new Missing(ranges.from(hop), ranges.to(hop)), values));
      answer.add(hop, tiles[hop], ranges.from(hop), ranges.to(hop));
    }
  }

  /** The tile starts to look up, so that the cached tiles stay one range. */
  private record Missing(long from, long to) {}

  private record Found(long start, byte[] tile) {}

  private Missing missing(Projection projection, Ranges ranges, ByteKey key, int hop) {
    long from = ranges.from(hop);
    long to = ranges.to(hop);
    synchronized (caches) {
      HopTiles cached = cache(projection).getOrAdd(key).hops[hop];
      long step = step(projection, hop);
      if (cached.covers(from, to)) return null;
      if (from >= cached.from && from <= cached.to + step) return new Missing(cached.to + step, to);
      if (to <= cached.to && to >= cached.from - step) return new Missing(from, cached.from - step);
      return new Missing(from, to);
    }
  }

  private void store(Projection projection, ByteKey key, int hop, Missing missing,
      List<Found> found, Ranges ranges) {
    synchronized (caches) {
      TileCache cache = cache(projection);
      TileCache.Entity entity = cache.getOrAdd(key);
      HopTiles cached = entity.hops[hop];
      long step = step(projection, hop);
      boolean apart = cached.from > cached.to || missing.from > cached.to + step
          || missing.to < cached.from - step;
      if (apart) cached.clear();
      fill(cached, found);
      cached.from = apart ? missing.from : Math.min(cached.from, missing.from);
      cached.to = apart ? missing.to : Math.max(cached.to, missing.to);
      // As a window advances, older tiles are removed; a few are kept for concurrent requests.
      long span = ranges.to(hop) - ranges.from(hop) + step;
      if (cached.to - cached.from > 2 * span)
        cached.removeBefore(ranges.from(hop) - (span / step / 4) * step);
      cache.changed(key, entity);
    }
  }

  private static long step(Projection projection, int hop) {
    return Math.max(1, projection.hopMs(hop));
  }

  private static void fill(HopTiles tiles, List<Found> found) {
    for (Found one : found) tiles.put(one.start, one.tile);
  }

  private List<Found> lookUp(Projection projection, int hop, Missing missing, Object[] values)
      throws IOException {
    GenericRow key = shape.keyRow(values);
    List<Found> found = new ArrayList<>();
    long step = step(projection, hop);
    for (long start = missing.from; start <= missing.to; start += step) {
      shape.setTile(key, projection.hopMs(hop), start);
      synchronized (query) {
        InternalRow row = query.lookup(BinaryRow.EMPTY_ROW, number, key);
        found.add(new Found(start, row == null ? null : projection.encode(hop, row)));
      }
    }
    stats.coldLookups.add(found.size());
    lastFileRead = System.nanoTime();
    return found;
  }

  /**
   * Reads a new file into the local store before a request needs it, if a request has recently read
   * files of this bucket.
   */
  void warm(InternalRow key) throws IOException {
    if (System.nanoTime() - lastFileRead > WARM_NANOS) return;
    synchronized (query) {
      query.lookup(BinaryRow.EMPTY_ROW, number, key);
    }
  }

  int cachedEntities() {
    synchronized (caches) {
      return caches.values().stream().mapToInt(TileCache::entities).sum();
    }
  }

  long cachedTiles() {
    synchronized (caches) {
      return caches.values().stream().mapToLong(TileCache::tiles).sum();
    }
  }

  @Override
  public void close() throws IOException {
    synchronized (caches) {
      for (TileCache cache : caches.values()) cache.clear();
      caches.clear();
    }
    synchronized (query) {
      query.close();
    }
  }
}
