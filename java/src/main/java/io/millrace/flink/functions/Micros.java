package io.millrace.flink.functions;

import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_MICROS(TIMESTAMP_LTZ(6)) -> BIGINT}: epoch µs. */
public final class Micros extends ScalarFunction {
  public @DataTypeHint("BIGINT") Long eval(
      @DataTypeHint(value = "TIMESTAMP_LTZ(6)", bridgedTo = TimestampData.class)
          TimestampData time) {
    return time == null
        ? null
        : (Long) (time.getMillisecond() * 1000 + time.getNanoOfMillisecond() / 1000);
  }
}
