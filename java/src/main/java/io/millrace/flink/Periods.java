package io.millrace.flink;

import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.functions.TableFunction;
import org.apache.flink.types.Row;

/**
 * {@code MR_PERIODS(tile_start, reach, every, after, upTo)}: the ends, in (after, upTo], of the
 * periods at whose end a window with the length `reach` includes the tile. All in epoch ms.
 */
@FunctionHint(output = @DataTypeHint("ROW<period_end BIGINT NOT NULL>"))
public final class Periods extends TableFunction<Row> {
  public void eval(Long tileStart, Long reach, Long every, Long after, Long upTo) {
    long first = Math.max(Math.floorDiv(tileStart, every) * every, after) + every;
    long last = Math.min(tileStart + reach, upTo);
    for (long end = first; end <= last; end += every) collect(Row.of(end));
  }
}
