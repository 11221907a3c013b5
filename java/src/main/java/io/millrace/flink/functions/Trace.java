package io.millrace.flink.functions;

import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_TRACE(headers MAP<STRING, BYTES>, log_time BIGINT) -> STRING}: the W3C trace context of
 * a record and its log time, as one text that is processed with the event; null if it is not
 * traced. {@link TraceHeaders} converts it back.
 */
public final class Trace extends ScalarFunction {
  static final String TRACEPARENT = "traceparent";
  static final String TRACESTATE = "tracestate";
  static final String LOG_TIME = "millrace-log-time";

  public @DataTypeHint(value = "STRING", bridgedTo = StringData.class) StringData eval(
      @DataTypeHint(value = "MAP<STRING, BYTES>", bridgedTo = MapData.class) MapData headers,
      @DataTypeHint("BIGINT") Long logTime) {
    if (headers == null || headers.size() == 0 || logTime == null) return null;
    String parent = null;
    String state = "";
    ArrayData names = headers.keyArray();
    ArrayData values = headers.valueArray();
    for (int i = 0; i < headers.size(); i++) {
      if (names.isNullAt(i) || values.isNullAt(i)) continue;
      String name = names.getString(i).toString();
      if (name.equals(TRACEPARENT)) parent = StringData.fromBytes(values.getBinary(i)).toString();
      else if (name.equals(TRACESTATE))
        state = StringData.fromBytes(values.getBinary(i)).toString();
    }
    return parent == null ? null : StringData.fromString(parent + ' ' + logTime + ' ' + state);
  }
}
