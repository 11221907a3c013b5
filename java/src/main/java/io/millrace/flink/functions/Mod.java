package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_MOD(DOUBLE, DOUBLE) -> DOUBLE}: the remainder with the sign of the dividend. */
public final class Mod extends ScalarFunction {
  public Double eval(Double a, Double b) {
    return a == null || b == null ? null : a % b;
  }
}
