package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_STARTS_WITH(STRING, STRING) -> BOOLEAN}: whether a text begins with a part. */
public final class StartsWith extends ScalarFunction {
  public Boolean eval(String s, String part) {
    return s == null || part == null ? null : s.startsWith(part);
  }
}
