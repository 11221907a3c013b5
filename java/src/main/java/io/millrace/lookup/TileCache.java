package io.millrace.lookup;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The tiles of requested entities, of one bucket and projection. The least recently used are
 * evicted first. Guarded by its bucket.
 *
 * The tiles stay correct over new snapshots: the rows that a snapshot adds are put into the cached
 * entities, and a compaction changes no row.
 */
final class TileCache {
  private static final int ENTITY_BYTES = 250;
  private static final int HOP_BYTES = 120;
  private static final int TILE_BYTES = 40;

  static final class Entity {
    final HopTiles[] hops;
    private long counted;

    Entity(int hopCount) {
      hops = new HopTiles[hopCount];
      for (int i = 0; i < hopCount; i++) hops[i] = new HopTiles();
    }

    private long bytes() {
      long bytes = ENTITY_BYTES;
      for (HopTiles hop : hops) bytes += HOP_BYTES + hop.bytes + (long) hop.size() * TILE_BYTES;
      return bytes;
    }
  }

  private final Map<ByteKey, Entity> entities = new LinkedHashMap<>(64, 0.75f, true);
  private final int hopCount;
  private final AtomicLong used;
  private final long limit;

  /** @param used the bytes of all caches together; they stay below `limit` */
  TileCache(int hopCount, AtomicLong used, long limit) {
    this.hopCount = hopCount;
    this.used = used;
    this.limit = limit;
  }

  Entity get(ByteKey key) {
    return entities.get(key);
  }

  Entity getOrAdd(ByteKey key) {
    return entities.computeIfAbsent(key, k -> new Entity(hopCount));
  }

  /** Updates an entity's byte count after a change, and evicts others if needed. */
  void changed(ByteKey key, Entity entity) {
    long bytes = entity.bytes() + key.bytes.length;
    used.addAndGet(bytes - entity.counted);
    entity.counted = bytes;
    while (used.get() > limit && entities.size() > 1) {
      ByteKey eldest = entities.keySet().iterator().next();
      if (eldest.equals(key)) break;
      used.addAndGet(-entities.remove(eldest).counted);
    }
  }

  int entities() {
    return entities.size();
  }

  long tiles() {
    long tiles = 0;
    for (Entity entity : entities.values()) for (HopTiles hop : entity.hops) tiles += hop.size();
    return tiles;
  }

  void clear() {
    for (Entity entity : entities.values()) used.addAndGet(-entity.counted);
    entities.clear();
  }
}
