package io.millrace.algebra;

/**
 * Functions that make texts. A text has at most 1 Mi UTF-16 code units, as in
 * domain/expressions/functions-text.ts: a longer one is null. Its size is computed before it is
 * made.
 */
public final class Texts {
  public static final int MAX_TEXT = 1024 * 1024;

  private Texts() {}

  /** The parts are not null. */
  public static String concat(String... parts) {
    long size = 0;
    for (String part : parts) size += part.length();
    if (size > MAX_TEXT) return null;
    StringBuilder text = new StringBuilder((int) size);
    for (String part : parts) text.append(part);
    return text.toString();
  }

  /** Replaces every occurrence of a part by another text; an empty part never occurs. */
  public static String replace(String s, String part, String by) {
    if (part.isEmpty()) return s;
    int growth = by.length() - part.length();
    if (growth > 0) {
      long size = s.length();
      for (int at = s.indexOf(part); at >= 0; at = s.indexOf(part, at + part.length())) {
        size += growth;
        if (size > MAX_TEXT) return null;
      }
    }
    return s.replace(part, by);
  }

  /**
   * Characters (code points) from a start, counted from 0; null if start or count is negative.
   */
  public static String substring(String s, long start, long count) {
    if (start < 0 || count < 0) return null;
    int length = s.codePointCount(0, s.length());
    if (start >= length) return "";
    int from = s.offsetByCodePoints(0, (int) start);
    int to = s.offsetByCodePoints(from, (int) Math.min(count, length - start));
    return s.substring(from, to);
  }
}
