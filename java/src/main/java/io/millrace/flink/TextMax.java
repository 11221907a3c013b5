package io.millrace.flink;

/** {@code MR_MAX_TEXT(STRING) -> STRING} */
public final class TextMax extends TextExtreme {
  public TextMax() {
    super(1);
  }
}
