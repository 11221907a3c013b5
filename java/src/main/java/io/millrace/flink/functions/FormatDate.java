package io.millrace.flink.functions;

import io.millrace.algebra.Times;
import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_FORMAT_DATE(INT) -> STRING}: YYYY-MM-DD; null outside the years 0000 to 9999. */
public final class FormatDate extends ScalarFunction {
  public String eval(Integer days) {
    return days == null ? null : Times.formatDate(days);
  }
}
