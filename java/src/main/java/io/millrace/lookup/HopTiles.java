package io.millrace.lookup;

import java.util.Arrays;

/**
 * The cached tiles of one entity and hop: all tiles that start from `from` to `to`. A tile in this
 * range that is not here does not exist. Tiles are sorted by start; a new tile is usually after the
 * last one, and is appended.
 */
final class HopTiles {
  /** the covered range, inclusive; empty if from > to */
  long from = 1;
  long to = 0;
  private long[] starts = new long[4];
  private byte[][] tiles = new byte[4][];
  private int size = 0;
  long bytes = 0;

  boolean covers(long first, long last) {
    return first > last || (from <= to && first >= from && last <= to);
  }

  boolean includes(long start) {
    return start >= from && start <= to;
  }

  int size() {
    return size;
  }

  byte[] tile(int i) {
    return tiles[i];
  }

  long start(int i) {
    return starts[i];
  }

  /** The index of the first tile that starts at or after `start`. */
  int firstAtOrAfter(long start) {
    int at = Arrays.binarySearch(starts, 0, size, start);
    return at >= 0 ? at : -at - 1;
  }

  /** @param tile null: the tile does not exist */
  void put(long start, byte[] tile) {
    int at = firstAtOrAfter(start);
    boolean present = at < size && starts[at] == start;
    if (present) bytes -= tiles[at].length;
    if (tile == null) {
      if (present) remove(at, at + 1);
      return;
    }
    if (!present) {
      if (size == starts.length) {
        starts = Arrays.copyOf(starts, size * 2);
        tiles = Arrays.copyOf(tiles, size * 2);
      }
      System.arraycopy(starts, at, starts, at + 1, size - at);
      System.arraycopy(tiles, at, tiles, at + 1, size - at);
      size++;
    }
    starts[at] = start;
    tiles[at] = tile;
    bytes += tile.length;
  }

  private void remove(int first, int end) {
    System.arraycopy(starts, end, starts, first, size - end);
    System.arraycopy(tiles, end, tiles, first, size - end);
    Arrays.fill(tiles, size - (end - first), size, null);
    size -= end - first;
  }

  /** Removes the tiles before `first`, after a window has advanced. */
  void removeBefore(long first) {
    int end = firstAtOrAfter(first);
    for (int i = 0; i < end; i++) bytes -= tiles[i].length;
    remove(0, end);
    from = Math.max(from, first);
  }

  void clear() {
    from = 1;
    to = 0;
    bytes = 0;
    Arrays.fill(tiles, 0, size, null);
    size = 0;
  }
}
