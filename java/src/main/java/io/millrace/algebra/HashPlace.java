package io.millrace.algebra;

/** An unsigned 32-bit hash of an event's place in the log. */
public final class HashPlace {
  private HashPlace() {}

  public static long of(int partition, long offset) {
    return Integer.toUnsignedLong(
        HashValue.ofWords(partition, (int) offset, (int) (offset >>> 32)));
  }
}
