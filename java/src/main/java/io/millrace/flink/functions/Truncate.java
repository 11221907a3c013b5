package io.millrace.flink.functions;

import io.millrace.algebra.Times;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_TRUNCATE(BIGINT, unit STRING) -> BIGINT}: the start of the second, minute, hour, day,
 * week, month or year, UTC.
 */
public final class Truncate extends ScalarFunction {
  public Long eval(Long ms, String unit) {
    return ms == null || unit == null ? null : Times.truncate(ms, unit);
  }
}
