package io.millrace.flink.functions;

import io.millrace.algebra.Times;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_PARSE_TIME(STRING) -> BIGINT}: ISO 8601 with a zone, as epoch ms; null if the text is
 * not one.
 */
public final class ParseTime extends ScalarFunction {
  public Long eval(String s) {
    return s == null ? null : Times.parseTime(s);
  }
}
