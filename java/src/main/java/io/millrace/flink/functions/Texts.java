package io.millrace.flink.functions;

/**
 * The bound of texts that expressions make: 1 Mi UTF-16 code units, as in
 * domain/expressions/functions-text.ts. A longer text is null.
 */
final class Texts {
  static final int MAX_TEXT = 1024 * 1024;

  private Texts() {}
}
