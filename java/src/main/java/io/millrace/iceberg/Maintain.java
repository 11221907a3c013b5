package io.millrace.iceberg;

import java.io.IOException;
import java.util.Map;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.functions.TableFunction;
import org.apache.flink.types.Row;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.CatalogProperties;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.hadoop.HadoopCatalog;

/**
 * {@code MR_MAINTAIN(warehouse, table, minFiles, smallBytes, maxRows, keep, minAgeMs)}: compacts a table and expires its snapshots; one row
 * of what was done. A function and not a program of its own: so it is submitted, found and ended like any other job of Flink.
 */
@FunctionHint(output = @DataTypeHint("ROW<replaced INT, written INT, expired INT>"))
public final class Maintain extends TableFunction<Row> {
  public void eval(
      String warehouse, String name, Integer minFiles, Long smallBytes, Long maxRows, Integer keep, Long minAgeMs)
      throws IOException {
    HadoopCatalog catalog = new HadoopCatalog();
    catalog.setConf(new Configuration());
    catalog.initialize(
        "maintained",
        Map.of(CatalogProperties.WAREHOUSE_LOCATION, warehouse, CatalogProperties.LOCK_IMPL, FileLocks.class.getName()));
    TableIdentifier identifier = TableIdentifier.parse(name);
    if (!catalog.tableExists(identifier)) {
      collect(Row.of(0, 0, 0));
      return;
    }
    Table table = catalog.loadTable(identifier);
    Compaction.Done done = new Compaction(table).run(new Compaction.Limits(minFiles, smallBytes, maxRows));
    int expired = Expiry.run(table, keep, minAgeMs, System.currentTimeMillis());
    collect(Row.of(done.replaced(), done.written(), expired));
  }

  @Override
  public boolean isDeterministic() {
    return false;
  }
}
