package io.millrace.flink;

import java.util.Comparator;
import org.apache.flink.table.data.StringData;

/** Compares Flink's internal scalars in the order of JavaScript's {@code <}. */
final class Scalars {
  private Scalars() {}

  /**
   * Numbers numerically, false before true, strings by UTF-16 code units. Both values must have the
   * same type.
   */
  static final Comparator<Object> ASCENDING = Scalars::compare;

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static int compare(Object a, Object b) {
    if (a instanceof StringData) return a.toString().compareTo(b.toString());
    return ((Comparable) a).compareTo(b);
  }
}
