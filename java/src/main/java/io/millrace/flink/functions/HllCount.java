package io.millrace.flink.functions;

import io.millrace.algebra.Registers;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_HLL_COUNT(registers STRING, precision INT) -> BIGINT}: the estimated number of distinct
 * values in the registers of MR_HLL.
 */
public final class HllCount extends ScalarFunction {
  public Long eval(String registers, Integer precision) {
    return registers == null
        ? null
        : (Long) Registers.estimate(Registers.of(registers, precision));
  }
}
