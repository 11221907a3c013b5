package io.millrace.iceberg;

import java.io.IOException;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.functions.TableFunction;
import org.apache.flink.types.Row;
import org.apache.iceberg.Table;

/**
 * {@code MR_MAINTAIN(warehouse, table, minFiles, smallBytes, maxRows, keep, minAgeMs)}: compacts a
 * table and expires its snapshots; returns one row with the counts. It is a function and not a
 * separate program, so that it is submitted, found and stopped like any other Flink job.
 */
@FunctionHint(output = @DataTypeHint("ROW<replaced INT, written INT, expired INT>"))
public final class Maintain extends TableFunction<Row> {
  public void eval(
      String warehouse, String name, Integer minFiles, Long smallBytes, Long maxRows, Integer keep,
      Long minAgeMs)
      throws IOException {
    Table table = Catalogs.table(warehouse, name);
    if (table == null) {
      collect(Row.of(0, 0, 0));
      return;
    }
    Compaction.Done done = new Compaction(table)
        .run(new Compaction.Limits(minFiles, smallBytes, maxRows));
    int expired = Expiry.run(table, keep, minAgeMs, System.currentTimeMillis());
    collect(Row.of(done.replaced(), done.written(), expired));
  }

  @Override
  public boolean isDeterministic() {
    return false;
  }
}
