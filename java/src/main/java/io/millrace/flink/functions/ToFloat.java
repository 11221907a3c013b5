package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_TO_FLOAT(DOUBLE) -> FLOAT}: the nearest float; null if there is none. */
public final class ToFloat extends ScalarFunction {
  public Float eval(Double x) {
    if (x == null) return null;
    float near = (float) (double) x;
    return Float.isFinite(near) ? (Float) (near + 0f) : null;
  }
}
