package io.millrace.flink.functions;

import io.millrace.algebra.Js;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_WHOLE(DOUBLE) -> BIGINT}: null beyond ±(2^53 − 1), where a double cannot represent
 * every whole number.
 */
public final class Whole extends ScalarFunction {
  public Long eval(Double x) {
    return x == null ? null : Js.within(x, Js.MAX_SAFE);
  }
}
