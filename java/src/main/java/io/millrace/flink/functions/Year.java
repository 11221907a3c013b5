package io.millrace.flink.functions;

import io.millrace.algebra.Times;
import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_YEAR(BIGINT) -> INT}: the year, UTC. */
public final class Year extends ScalarFunction {
  public Integer eval(Long ms) {
    return ms == null ? null : Times.date(ms).getYear();
  }
}
