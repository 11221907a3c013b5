package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/** {@code MR_ENDS_WITH(STRING, STRING) -> BOOLEAN}: whether a text ends with a part. */
public final class EndsWith extends ScalarFunction {
  public Boolean eval(String s, String part) {
    return s == null || part == null ? null : s.endsWith(part);
  }
}
