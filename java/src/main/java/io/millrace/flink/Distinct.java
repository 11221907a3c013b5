package io.millrace.flink;

/** Estimates the number of distinct values from registers in their text form. */
public final class Distinct {
  private Distinct() {}

  public static long of(String registers, int precision) {
    return Registers.estimate(Registers.of(registers, precision));
  }
}
