package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_DD_BUCKET(DOUBLE, lnGamma DOUBLE) -> BIGINT}: DDSketch's bucket of a value. The
 * TypeScript version is domain/aggregations/dd-sketch.ts.
 */
public final class DdBucket extends ScalarFunction {
  private static final double SMALLEST = 1e-15;
  private static final double LARGEST = 1e18;

  public Long eval(Double value, Double lnGamma) {
    if (value == null || value.isNaN()) return null;
    double magnitude = Math.min(Math.abs(value), LARGEST);
    if (magnitude < SMALLEST) return 0L;
    long bucket = (long) (Math.ceil(StrictMath.log(magnitude) / lnGamma)
        - Math.ceil(StrictMath.log(SMALLEST) / lnGamma) + 1);
    return value < 0 ? -bucket : bucket;
  }
}
