package io.millrace.flink.functions;

import io.millrace.algebra.Js;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_FINITE(DOUBLE) -> DOUBLE}: null for NaN and infinities; −0 becomes 0.
 */
public final class Finite extends ScalarFunction {
  public Double eval(Double x) {
    return x == null ? null : Js.finite(x);
  }
}
