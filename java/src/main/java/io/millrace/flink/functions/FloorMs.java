package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_FLOOR_MS(BIGINT) -> BIGINT}: epoch µs as ms, rounded down, also before 1970. */
public final class FloorMs extends ScalarFunction {
  public Long eval(Long micros) {
    return micros == null ? null : (Long) Math.floorDiv(micros, 1000L);
  }
}
