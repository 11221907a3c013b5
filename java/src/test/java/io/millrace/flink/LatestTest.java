package io.millrace.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.junit.jupiter.api.Test;

/**
 * The result is the last input event, whatever its offset, with its own trace or none, also for
 * merged parts.
 */
class LatestTest {
  private static final long TRACED = 4;
  private final Latest latest = new Latest();

  private static StringData trace(long offset) {
    return offset == TRACED ? StringData.fromString("trace of " + offset) : null;
  }

  private RowData of(long... offsets) {
    RowData acc = latest.createAccumulator();
    for (long offset : offsets) latest.accumulate(acc, (int) (offset % 2), offset, trace(offset));
    return acc;
  }

  @Test
  void theLastTakenInStands() {
    assertEquals(GenericRowData.of(0, 4L, trace(4)), latest.getValue(of(9, 7, 4)));
  }

  @Test
  void anEventWithoutATraceEndsTheOneBefore() {
    assertEquals(GenericRowData.of(1, 9L, null), latest.getValue(of(4, 9)));
  }

  @Test
  void ofPartsTheLastThatHasAny() {
    RowData acc = of(9);
    latest.merge(acc, List.of(of(3), of(7, 4), of()));
    assertEquals(GenericRowData.of(0, 4L, trace(4)), latest.getValue(acc));
  }

  @Test
  void emptiedItHasNone() {
    RowData acc = of(4);
    latest.resetAccumulator(acc);
    assertEquals(latest.createAccumulator(), acc);
  }
}
