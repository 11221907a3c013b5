package io.millrace.flink;

/** How many different values registers stand for, for who knows them as text. */
public final class Distinct {
  private Distinct() {}

  public static long of(String registers, int precision) {
    return Registers.estimate(Registers.of(registers, precision));
  }
}
