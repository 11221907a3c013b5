package io.millrace.flink.functions;

import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_CONCAT(STRING, …) -> STRING}: joins texts; null if one is null or the result would be
 * longer than {@link Texts#MAX_TEXT}. The size is computed before the text is made.
 */
public final class Concat extends ScalarFunction {
  public String eval(String... parts) {
    long size = 0;
    for (String part : parts) {
      if (part == null) return null;
      size += part.length();
    }
    if (size > Texts.MAX_TEXT) return null;
    StringBuilder text = new StringBuilder((int) size);
    for (String part : parts) text.append(part);
    return text.toString();
  }
}
