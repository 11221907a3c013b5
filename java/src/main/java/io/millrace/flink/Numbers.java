package io.millrace.flink;

/** Numbers as JavaScript has them. */
final class Numbers {
  private Numbers() {}

  /** −0 becomes 0, as it does on any way through JSON. */
  static Object plainZero(Object value) {
    if (value instanceof Double d && d == 0) return 0.0;
    if (value instanceof Float f && f == 0) return 0.0f;
    return value;
  }
}
