package io.millrace.flink.functions;

import io.millrace.algebra.Buckets;
import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_DD_BUCKET(DOUBLE, lnGamma DOUBLE) -> BIGINT}: DDSketch's bucket of a value. */
public final class DdBucket extends ScalarFunction {
  public Long eval(Double value, Double lnGamma) {
    return value == null || value.isNaN() ? null : (Long) Buckets.of(value, lnGamma);
  }
}
