package io.millrace.lookup;

import java.util.ArrayList;
import java.util.List;

/**
 * The tiles of an answer. They are collected entity by entity and hop by hop, then written: counts,
 * all float64s, then the references' lengths and texts.
 */
final class Answer {
  private final Projection projection;
  private final List<byte[]> tiles = new ArrayList<>();
  private int[] counts;
  private int counted = 0;
  private final int entities;
  long snapshotId = 0;
  long commitTime = 0;

  Answer(Projection projection, int entities) {
    this.projection = projection;
    this.entities = entities;
    this.counts = new int[entities * projection.hopCount()];
  }

  void add(int hop, HopTiles cached, long from, long to) {
    int at = cached.firstAtOrAfter(from);
    int before = tiles.size();
    while (at < cached.size() && cached.start(at) <= to) tiles.add(cached.tile(at++));
    counts[counted++] = tiles.size() - before;
  }

  int tiles() {
    return tiles.size();
  }

  void write(WireOut out) {
    out.f64(snapshotId).f64(commitTime).u32(entities).u32(projection.hopCount());
    for (int count : counts) out.u32(count);
    out.align();
    int hops = projection.hopCount();
    int tile = 0;
    for (int i = 0; i < counts.length; i++) {
      int bytes = projection.width(i % hops) * 8;
      for (int end = tile + counts[i]; tile < end; tile++) out.bytes(tiles.get(tile), 0, bytes);
    }
    references(out, hops, false);
    references(out, hops, true);
  }

  /** @param text true: writes the texts; false: their lengths */
  private void references(WireOut out, int hops, boolean text) {
    int tile = 0;
    for (int i = 0; i < counts.length; i++) {
      int from = projection.width(i % hops) * 8;
      boolean refs = projection.hasRefs(i % hops);
      for (int end = tile + counts[i]; tile < end; tile++) {
        if (!refs) continue;
        byte[] bytes = tiles.get(tile);
        if (text) out.bytes(bytes, from, bytes.length - from);
        else out.u32(bytes.length - from);
      }
    }
  }
}
