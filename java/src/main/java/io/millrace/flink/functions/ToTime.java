package io.millrace.flink.functions;

import io.millrace.algebra.Js;
import io.millrace.algebra.Times;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_TO_TIME(DOUBLE) -> BIGINT}: epoch ms, towards zero; null outside the years 0000 to
 * 9999.
 */
public final class ToTime extends ScalarFunction {
  public Long eval(Double x) {
    return x == null ? null : Js.between(x, Times.MIN_TIME, Times.MAX_TIME);
  }
}
