package io.millrace.flink.functions;

import io.millrace.algebra.Texts;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_CONCAT(STRING, …) -> STRING}: joins texts; null if one is null or the result would be
 * longer than {@link Texts#MAX_TEXT}.
 */
public final class Concat extends ScalarFunction {
  public String eval(String... parts) {
    for (String part : parts) if (part == null) return null;
    return Texts.concat(parts);
  }
}
