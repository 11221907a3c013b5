package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_FINITE(DOUBLE) -> DOUBLE}: null where it is no number or infinite; no negative zero.
 */
public final class Finite extends ScalarFunction {
  public Double eval(Double x) {
    return x == null ? null : Js.finite(x);
  }
}
