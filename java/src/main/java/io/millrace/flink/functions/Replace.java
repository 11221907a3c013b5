package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_REPLACE(STRING, STRING, STRING) -> STRING}: replaces every occurrence of a part by
 * another text; an empty part never occurs. A result longer than {@link Texts#MAX_TEXT} is null;
 * the size is computed before the text is made.
 */
public final class Replace extends ScalarFunction {
  public String eval(String s, String part, String by) {
    if (s == null || part == null || by == null) return null;
    if (part.isEmpty()) return s;
    int growth = by.length() - part.length();
    if (growth > 0) {
      long size = s.length();
      for (int at = s.indexOf(part); at >= 0; at = s.indexOf(part, at + part.length())) {
        size += growth;
        if (size > Texts.MAX_TEXT) return null;
      }
    }
    return s.replace(part, by);
  }
}
