package io.millrace.flink.functions;

import io.millrace.algebra.Times;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_PARSE_DATE(STRING) -> INT}: YYYY-MM-DD, as days since 1970-01-01; null if it is not a
 * valid date.
 */
public final class ParseDate extends ScalarFunction {
  public Integer eval(String s) {
    return s == null ? null : Times.parseDate(s);
  }
}
