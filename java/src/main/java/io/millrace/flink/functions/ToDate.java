package io.millrace.flink.functions;

import io.millrace.algebra.Js;
import io.millrace.algebra.Times;
import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_TO_DATE(DOUBLE) -> INT}: days, towards zero; null outside the years 0000 to 9999. */
public final class ToDate extends ScalarFunction {
  public Integer eval(Double x) {
    if (x == null) return null;
    Long days = Js.between(x, Times.MIN_DATE, Times.MAX_DATE);
    return days == null ? null : (Integer) days.intValue();
  }
}
