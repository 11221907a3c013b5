package io.millrace.flink.functions;

import io.millrace.algebra.Times;
import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_MONTH(BIGINT) -> INT}: the month of the year, from 1. */
public final class Month extends ScalarFunction {
  public Integer eval(Long ms) {
    return ms == null ? null : Times.date(ms).getMonthValue();
  }
}
