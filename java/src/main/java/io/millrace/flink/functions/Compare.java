package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_COMPARE(STRING, STRING) -> INT}: below, at or above 0, by UTF-16 code units. */
public final class Compare extends ScalarFunction {
  public Integer eval(String a, String b) {
    return a == null || b == null ? null : a.compareTo(b);
  }
}
