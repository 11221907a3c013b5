package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_CONTAINS(STRING, STRING) -> BOOLEAN}: whether the first text contains the second. */
public final class Contains extends ScalarFunction {
  public Boolean eval(String s, String part) {
    return s == null || part == null ? null : s.contains(part);
  }
}
