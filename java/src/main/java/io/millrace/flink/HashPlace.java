package io.millrace.flink;

/** 32 bits of an event's place, not signed. */
public final class HashPlace {
  private HashPlace() {}

  public static long of(int partition, long offset) {
    return Integer.toUnsignedLong(
        HashValue.ofWords(partition, (int) offset, (int) (offset >>> 32)));
  }
}
