package io.millrace.flink.functions;

import io.millrace.algebra.Texts;
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
    return s == null || start == null || count == null ? null : Texts.substring(s, start, count);
  }
}
