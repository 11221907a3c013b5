package io.millrace.flink.functions;

import io.millrace.algebra.Times;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_FORMAT_TIME(BIGINT) -> STRING}: ISO 8601 in UTC, to the millisecond; null outside the
 * years 0000 to 9999.
 */
public final class FormatTime extends ScalarFunction {
  public String eval(Long ms) {
    return ms == null ? null : Times.formatTime(ms);
  }
}
