package io.millrace.flink.functions;

import io.millrace.algebra.Js;
import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_TO_LONG(DOUBLE) -> BIGINT}: towards zero; null beyond ±(2^53 − 1). */
public final class ToLong extends ScalarFunction {
  public Long eval(Double x) {
    return x == null ? null : Js.within(x, Js.MAX_SAFE);
  }
}
