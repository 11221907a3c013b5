package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_SUBSTRING(STRING, start BIGINT[, count BIGINT]) -> STRING}: characters (code points)
 * from a start, counted from 0; null if start or count is negative.
 */
public final class Substring extends ScalarFunction {
  public String eval(String s, Long start) {
    return eval(s, start, Long.MAX_VALUE);
  }

  public String eval(String s, Long start, Long count) {
    if (s == null || start == null || count == null || start < 0 || count < 0) return null;
    int length = s.codePointCount(0, s.length());
    if (start >= length) return "";
    int from = s.offsetByCodePoints(0, (int) (long) start);
    int to = s.offsetByCodePoints(from, (int) Math.min(count, length - start));
    return s.substring(from, to);
  }
}
