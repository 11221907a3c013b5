package io.millrace.flink;

/** {@code MR_MIN_TEXT(STRING) -> STRING} */
public final class TextMin extends TextExtreme {
  public TextMin() {
    super(-1);
  }
}
