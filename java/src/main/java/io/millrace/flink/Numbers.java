package io.millrace.flink;

/** Numbers in JavaScript's form. */
final class Numbers {
  private Numbers() {}

  /** −0 becomes 0, as in JSON. */
  static Object plainZero(Object value) {
    if (value instanceof Double d && d == 0) return 0.0;
    if (value instanceof Float f && f == 0) return 0.0f;
    return value;
  }
}
