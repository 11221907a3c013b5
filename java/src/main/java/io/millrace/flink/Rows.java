package io.millrace.flink;

import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;

/**
 * Accumulators are Flink's internal rows, changed in place, so nothing is converted between an
 * event and its state.
 */
final class Rows {
  private Rows() {}

  static void set(RowData acc, int field, Object value) {
    ((GenericRowData) acc).setField(field, value);
  }
}
