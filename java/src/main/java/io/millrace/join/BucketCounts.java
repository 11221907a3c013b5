package io.millrace.join;

import io.millrace.algebra.Buckets;

/** Counts of DDSketch's buckets. The TypeScript version is domain/aggregations/dd-sketch.ts. */
final class BucketCounts extends Counts {
  private final double lnGamma;

  BucketCounts(double lnGamma, long limit, int n, int r) {
    super(limit, n, r);
    this.lnGamma = lnGamma;
  }

  @Override
  void add(Slots s, Object value, Place place) {
    double x = (Double) value;
    if (!Double.isNaN(x)) bump(s, (double) Buckets.of(x, lnGamma), 1);
  }
}
