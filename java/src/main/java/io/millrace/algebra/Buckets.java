package io.millrace.algebra;

/** DDSketch's buckets. The TypeScript version is domain/aggregations/dd-sketch.ts. */
public final class Buckets {
  private static final double SMALLEST = 1e-15;
  private static final double LARGEST = 1e18;

  private Buckets() {}

  /** The bucket of a value that is not NaN. */
  public static long of(double value, double lnGamma) {
    double magnitude = Math.min(Math.abs(value), LARGEST);
    if (magnitude < SMALLEST) return 0;
    long bucket = (long) (Math.ceil(StrictMath.log(magnitude) / lnGamma)
        - Math.ceil(StrictMath.log(SMALLEST) / lnGamma) + 1);
    return value < 0 ? -bucket : bucket;
  }

  /** The value that represents a bucket. */
  public static double value(long bucket, double lnGamma) {
    if (bucket == 0) return 0;
    double index = Math.abs(bucket) - 1 + Math.ceil(StrictMath.log(SMALLEST) / lnGamma);
    double value = (2 * StrictMath.exp(index * lnGamma)) / (1 + StrictMath.exp(lnGamma));
    return bucket < 0 ? -value : value;
  }
}
