package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_WHOLE(DOUBLE) -> BIGINT}: null past ±(2^53 − 1), where a whole number cannot be told
 * from its neighbours.
 */
public final class Whole extends ScalarFunction {
  public Long eval(Double x) {
    return x == null ? null : Js.within(x, Js.MAX_SAFE);
  }
}
