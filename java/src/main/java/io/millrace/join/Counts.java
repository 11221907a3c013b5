package io.millrace.join;

import java.util.HashMap;
import java.util.Map;

/**
 * A bounded multiset, value → count; past `limit` distinct values it has overflowed, and stays so.
 * The TypeScript version is domain/aggregations/value-counts.ts.
 */
class Counts extends Partial {
  private static final Object OVERFLOW = new Object();

  private final long limit;

  Counts(long limit, int n, int r) {
    super(n, r);
    this.limit = limit;
  }

  @Override
  final int refs() {
    return 1;
  }

  /** Null is empty: most tiles have few values. */
  @Override
  final void identity(Slots s) {
    s.refs[r] = null;
  }

  @Override
  void add(Slots s, Object value, Place place) {
    bump(s, Expressions.plain(value), 1);
  }

  @Override
  final void merge(Slots into, Slots from) {
    if (isOverflow(from)) into.refs[r] = OVERFLOW;
    else of(from).forEach((value, count) -> bump(into, value, count));
  }

  final void bump(Slots s, Object value, long by) {
    if (isOverflow(s)) return;
    @SuppressWarnings("unchecked")
    Map<Object, Long> counts = (Map<Object, Long>) s.refs[r];
    if (counts == null) {
      counts = new HashMap<>();
      s.refs[r] = counts;
    }
    counts.merge(value, by, Long::sum);
    if (counts.size() > limit) s.refs[r] = OVERFLOW;
  }

  final boolean isOverflow(Slots s) {
    return s.refs[r] == OVERFLOW;
  }

  @SuppressWarnings("unchecked")
  final Map<Object, Long> of(Slots s) {
    return s.refs[r] == null ? Map.of() : (Map<Object, Long>) s.refs[r];
  }
}
