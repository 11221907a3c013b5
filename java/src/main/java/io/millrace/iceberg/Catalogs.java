package io.millrace.iceberg;

import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.CatalogProperties;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.hadoop.HadoopCatalog;

/**
 * The warehouse's tables, as Flink's jobs open them: with the lock that their commits take turns
 * by.
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

  /** @return null where there is none */
  static Table table(String warehouse, String name) {
    HadoopCatalog catalog = open(warehouse);
    TableIdentifier identifier = TableIdentifier.parse(name);
    return catalog.tableExists(identifier) ? catalog.loadTable(identifier) : null;
  }
}
