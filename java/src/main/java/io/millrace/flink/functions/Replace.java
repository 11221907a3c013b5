package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_REPLACE(STRING, STRING, STRING) -> STRING}: replaces every occurrence of a part by
 * another text; an empty part never occurs.
 */
public final class Replace extends ScalarFunction {
  public String eval(String s, String part, String by) {
    if (s == null || part == null || by == null) return null;
    return part.isEmpty() ? s : s.replace(part, by);
  }
}
