package io.millrace.flink.functions;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.data.GenericMapData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_TRACE_HEADERS(trace STRING) -> MAP<STRING, BYTES>}: converts the text of {@link Trace}
 * back to headers; null for null.
 */
public final class TraceHeaders extends ScalarFunction {
  public @DataTypeHint(value = "MAP<STRING, BYTES>", bridgedTo = MapData.class) MapData eval(
      @DataTypeHint(value = "STRING", bridgedTo = StringData.class) StringData trace) {
    if (trace == null) return null;
    String[] parts = trace.toString().split(" ", 3);
    Map<StringData, byte[]> headers = new HashMap<>();
    put(headers, Trace.TRACEPARENT, parts[0]);
    put(headers, Trace.LOG_TIME, parts[1]);
    if (!parts[2].isEmpty()) put(headers, Trace.TRACESTATE, parts[2]);
    return new GenericMapData(headers);
  }

  private static void put(Map<StringData, byte[]> headers, String name, String value) {
    headers.put(StringData.fromString(name), value.getBytes(StandardCharsets.UTF_8));
  }
}
