package io.millrace.spark;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.StructType;

/** The columns by which events and rows are sorted, and after them an event's values. */
final class Sorted {
  static final int KEY = 0;
  static final int MS = 1;
  static final int KIND = 2;
  static final int US = 3;
  static final int PART = 4;
  static final int OFF = 5;
  static final int TIME = 6;
  static final int FIELDS = 7;

  private Sorted() {}

  /** Which of an event's values are lists. */
  static boolean[] lists(StructType sorted) {
    boolean[] lists = new boolean[sorted.size() - FIELDS];
    for (int i = 0; i < lists.length; i++)
      lists[i] = sorted.apply(FIELDS + i).dataType() instanceof ArrayType;
    return lists;
  }

  /** An event's values, as expressions take them, from the columns from `at` on. */
  static void values(Row row, int at, boolean[] lists, Object[] into) {
    for (int i = 0; i < into.length; i++)
      into[i] = row.isNullAt(at + i) ? null
          : lists[i] ? items(row.getList(at + i)) : plain(row.get(at + i));
  }

  private static List<Object> items(List<?> items) {
    List<Object> plain = new ArrayList<>(items.size());
    for (Object item : items) plain.add(plain(item));
    return plain;
  }

  private static Object plain(Object value) {
    return value instanceof byte[] bytes ? Base64.getEncoder().encodeToString(bytes) : value;
  }
}
