package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_MINUTE(BIGINT) -> INT}: the minute of the hour. */
public final class Minute extends ScalarFunction {
  public Integer eval(Long ms) {
    return ms == null ? null : (int) (Math.floorMod(ms, 3_600_000L) / 60_000);
  }
}
