package io.millrace.lookup;

import io.millrace.lookup.LookupException.Code;

/**
 * The requested tile starts of each hop of a projection. Both ends are inclusive and multiples of
 * the hop; the range is empty if from > to.
 */
final class Ranges {
  private static final long MAX_TILES = 1_000_000;

  private final long[] from;
  private final long[] to;

  private Ranges(long[] from, long[] to) {
    this.from = from;
    this.to = to;
  }

  static Ranges read(WireIn in, Projection projection, int entities) throws LookupException {
    int hops = projection.hopCount();
    Ranges ranges = new Ranges(new long[hops], new long[hops]);
    double tiles = 0;
    for (int hop = 0; hop < hops; hop++) {
      long step = projection.hopMs(hop) > 0 ? projection.hopMs(hop) : 1;
      long first = in.whole();
      long last = in.whole();
      ranges.from[hop] = -Math.floorDiv(-first, step) * step;
      ranges.to[hop] = Math.floorDiv(last, step) * step;
      if (first <= last) tiles += ((double) last - first) / step + 1;
    }
    if (tiles * entities > MAX_TILES)
      throw new LookupException(
          Code.TOO_LARGE,
          "the request is for up to " + (long) (tiles * entities)
              + " tiles; the limit is " + MAX_TILES);
    return ranges;
  }

  long from(int hop) {
    return from[hop];
  }

  long to(int hop) {
    return to[hop];
  }

  boolean contains(int hop, long start) {
    return start >= from[hop] && start <= to[hop];
  }
}
