package io.millrace.flink.functions;

import io.millrace.algebra.Times;
import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_DAY_OF_WEEK(BIGINT) -> INT}: Monday 1 to Sunday 7. */
public final class DayOfWeek extends ScalarFunction {
  public Integer eval(Long ms) {
    return ms == null ? null : Times.dayOfWeek(ms);
  }
}
