package io.millrace.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.junit.jupiter.api.Test;

/** The last event in the order of taking in, whatever its offset, also over parts that are merged. */
class LatestTest {
  private final Latest latest = new Latest();

  private RowData of(long... offsets) {
    RowData acc = latest.createAccumulator();
    for (long offset : offsets) latest.accumulate(acc, (int) (offset % 2), offset);
    return acc;
  }

  @Test
  void theLastTakenInStands() {
    assertEquals(GenericRowData.of(0, 4L), latest.getValue(of(9, 7, 4)));
  }

  @Test
  void ofPartsTheLastThatHasAny() {
    RowData acc = of(9);
    latest.merge(acc, List.of(of(3), of(7, 4), of()));
    assertEquals(GenericRowData.of(0, 4L), latest.getValue(acc));
  }

  @Test
  void emptiedItHasNone() {
    RowData acc = of(9);
    latest.resetAccumulator(acc);
    assertEquals(latest.createAccumulator(), acc);
  }
}
