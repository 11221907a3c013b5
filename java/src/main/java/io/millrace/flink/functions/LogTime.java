package io.millrace.flink.functions;

import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_MS(TIMESTAMP_LTZ(3)) -> BIGINT}: epoch ms. */
public final class LogTime extends ScalarFunction {
  public @DataTypeHint("BIGINT") Long eval(
      @DataTypeHint(value = "TIMESTAMP_LTZ(3)", bridgedTo = TimestampData.class)
          TimestampData time) {
    return time == null ? null : time.getMillisecond();
  }
}
