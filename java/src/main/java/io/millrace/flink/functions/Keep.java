package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_KEEP(BIGINT) -> BIGINT}: returns its argument. The planner does not treat the call as a
 * constant, so a constant in GROUP BY stays part of the group's key. The sink then has the same key
 * as the group, and no row has to be retracted before it is written again.
 */
public final class Keep extends ScalarFunction {
  public long eval(long value) {
    return value;
  }

  @Override
  public boolean isDeterministic() {
    return false;
  }
}
