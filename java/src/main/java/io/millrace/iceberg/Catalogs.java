package io.millrace.iceberg;

import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.CatalogProperties;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.hadoop.HadoopCatalog;

/**
 * Opens the warehouse's tables as Flink's jobs do, with the lock that allows one commit at a time.
 */
final class Catalogs {
  private Catalogs() {}

  static HadoopCatalog open(String warehouse) {
    HadoopCatalog catalog = new HadoopCatalog();
    catalog.setConf(new Configuration());
    catalog.initialize(
        "millrace", Map.of(CatalogProperties.WAREHOUSE_LOCATION, warehouse,
            CatalogProperties.LOCK_IMPL, FileLocks.class.getName()));
    return catalog;
  }

  /** @return null if there is none */
  static Table table(String warehouse, String name) {
    HadoopCatalog catalog = open(warehouse);
    TableIdentifier identifier = TableIdentifier.parse(name);
    return catalog.tableExists(identifier) ? catalog.loadTable(identifier) : null;
  }
}
