package io.millrace.flink.functions;

import io.millrace.algebra.Times;
import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_HOUR(BIGINT) -> INT}: the hour of the day, UTC. */
public final class Hour extends ScalarFunction {
  public Integer eval(Long ms) {
    return ms == null ? null : (int) (Math.floorMod(ms, Times.DAY) / 3_600_000);
  }
}
