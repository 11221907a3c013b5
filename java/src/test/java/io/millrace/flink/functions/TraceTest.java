package io.millrace.flink.functions;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.table.data.GenericMapData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.StringData;
import org.junit.jupiter.api.Test;

/**
 * A record's trace context passes through a job as one text and becomes headers again, with the
 * record's log time.
 */
class TraceTest {
  private static final String PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  private final Trace trace = new Trace();
  private final TraceHeaders headers = new TraceHeaders();

  private static MapData of(String... pairs) {
    Map<StringData, byte[]> map = new HashMap<>();
    for (int i = 0; i < pairs.length; i += 2)
      map.put(StringData.fromString(pairs[i]), pairs[i + 1] == null ? null
          : pairs[i + 1].getBytes(StandardCharsets.UTF_8));
    return new GenericMapData(map);
  }

  private static byte[] bytes(MapData map, String name) {
    return (byte[]) ((GenericMapData) map).get(StringData.fromString(name));
  }

  @Test
  void comesOutAsItWentIn() {
    MapData out = headers.eval(
        trace.eval(of("traceparent", PARENT, "tracestate", "a=1, b=2", "other", "x"), 17L));
    assertEquals(3, out.size());
    assertArrayEquals(PARENT.getBytes(StandardCharsets.UTF_8), bytes(out, "traceparent"));
    assertArrayEquals("a=1, b=2".getBytes(StandardCharsets.UTF_8), bytes(out, "tracestate"));
    assertArrayEquals("17".getBytes(StandardCharsets.UTF_8), bytes(out, "millrace-log-time"));
    assertEquals(2, headers.eval(trace.eval(of("traceparent", PARENT), 17L)).size());
  }

  @Test
  void whatIsNotTracedIsNull() {
    assertNull(trace.eval(null, 17L));
    assertNull(trace.eval(of(), 17L));
    assertNull(trace.eval(of("other", "x", "traceparent", null), 17L));
    assertNull(headers.eval(null));
  }
}
