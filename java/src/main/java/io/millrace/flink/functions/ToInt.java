package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_TO_INT(DOUBLE) -> INT}: towards zero; null outside the range. */
public final class ToInt extends ScalarFunction {
  public Integer eval(Double x) {
    return x != null && x > -2147483649.0 && x < 2147483648.0 ? (Integer) (int) (double) x : null;
  }
}
