package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_KEEP(BIGINT) -> BIGINT}: its argument. The planner takes it for no constant, so a
 * constant grouped by stays part of the group's key, and the key of the sink is then the key of the
 * group: no state needs taking back before it is written anew.
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
