package io.millrace.flink.functions;

import io.millrace.flink.Distinct;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_HLL_COUNT(registers STRING, precision INT) -> BIGINT}: how many different values
 * MR_HLL's registers stand for.
 */
public final class HllCount extends ScalarFunction {
  public Long eval(String registers, Integer precision) {
    return registers == null ? null : (Long) Distinct.of(registers, precision);
  }
}
