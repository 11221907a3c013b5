package io.millrace.flink.functions;

import io.millrace.algebra.Texts;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_REPLACE(STRING, STRING, STRING) -> STRING}: replaces every occurrence of a part by
 * another text; an empty part never occurs. A result longer than {@link Texts#MAX_TEXT} is null.
 */
public final class Replace extends ScalarFunction {
  public String eval(String s, String part, String by) {
    return s == null || part == null || by == null ? null : Texts.replace(s, part, by);
  }
}
