package io.millrace.flink.functions;

import io.millrace.algebra.Times;
import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_DAY_OF_MONTH(BIGINT) -> INT}: the day of the month, UTC. */
public final class DayOfMonth extends ScalarFunction {
  public Integer eval(Long ms) {
    return ms == null ? null : Times.date(ms).getDayOfMonth();
  }
}
