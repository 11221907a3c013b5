package io.millrace.flink.functions;

import io.millrace.algebra.Js;
import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_ROUND(DOUBLE) -> DOUBLE}: to a whole number, half away from zero. */
public final class Round extends ScalarFunction {
  public Double eval(Double x) {
    return x == null ? null : Js.round(x);
  }
}
