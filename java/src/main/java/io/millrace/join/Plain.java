package io.millrace.join;

import java.util.List;

/** Counts, histograms, and the least and greatest numbers. */
abstract class Plain extends Partial {
  Plain(int n, int r) {
    super(n, r);
  }

  static Plain of(List<Json> slots, int n, int r) {
    Json lift = slots.get(0).get("lift");
    if (slots.size() > 1) return new Histogram(edges(slots), n, r);
    if (lift.value() instanceof String end) return new Extreme(end.equals("min") ? -1 : 1, n, r);
    return new Count(n, r);
  }

  /** Each slot but the last ends below an edge. */
  private static double[] edges(List<Json> slots) {
    double[] edges = new double[slots.size() - 1];
    for (int i = 0; i < edges.length; i++)
      edges[i] = slots.get(i).get("lift").get("below").number();
    return edges;
  }

  static final class Count extends Plain {
    Count(int n, int r) {
      super(n, r);
    }

    @Override
    int nums() {
      return 1;
    }

    @Override
    void identity(Slots s) {
      s.nums[n] = 0;
    }

    @Override
    void add(Slots s, Object value, Place place) {
      s.nums[n]++;
    }

    @Override
    void merge(Slots into, Slots from) {
      into.nums[n] += from.nums[n];
    }
  }

  static final class Extreme extends Plain {
    /** −1: the least; 1: the greatest */
    private final int sign;

    Extreme(int sign, int n, int r) {
      super(n, r);
      this.sign = sign;
    }

    @Override
    int nums() {
      return 1;
    }

    @Override
    void identity(Slots s) {
      s.nums[n] = sign < 0 ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY;
    }

    @Override
    void add(Slots s, Object value, Place place) {
      // −0 becomes 0: the two compare equal.
      take(s, (Double) value + 0.0);
    }

    @Override
    void merge(Slots into, Slots from) {
      take(into, from.nums[n]);
    }

    private void take(Slots s, double x) {
      if (sign < 0 ? x < s.nums[n] : x > s.nums[n]) s.nums[n] = x;
    }
  }

  static final class Histogram extends Plain {
    private final double[] edges;

    Histogram(double[] edges, int n, int r) {
      super(n, r);
      this.edges = edges;
    }

    @Override
    int nums() {
      return edges.length + 1;
    }

    @Override
    void identity(Slots s) {
      for (int i = 0; i <= edges.length; i++) s.nums[n + i] = 0;
    }

    @Override
    void add(Slots s, Object value, Place place) {
      double x = (Double) value;
      int low = 0;
      int high = edges.length;
      while (low < high) {
        int middle = (low + high) >>> 1;
        if (x < edges[middle]) high = middle;
        else low = middle + 1;
      }
      s.nums[n + low]++;
    }

    @Override
    void merge(Slots into, Slots from) {
      for (int i = 0; i <= edges.length; i++) into.nums[n + i] += from.nums[n + i];
    }
  }
}
