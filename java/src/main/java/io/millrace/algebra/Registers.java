package io.millrace.algebra;

import java.util.Arrays;

/**
 * HyperLogLog's registers, one byte each, and their text form. The TypeScript version,
 * domain/aggregations/hyper-log-log.ts, has the details and the references.
 */
public final class Registers {
  private static final String DIGITS =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  /** 1 ÷ (2 ln 2) */
  private static final double ALPHA = 0.7213475204444817;

  private Registers() {}

  /**
   * Adds a value: a text, a number or a boolean. @return the same array if nothing changed,
   * otherwise a new one
   */
  public static byte[] add(byte[] registers, Object value, int p) {
    int high = HashValue.high(value);
    int index = index(high, p);
    byte rank = rank(high, value, p);
    if (rank <= registers[index]) return registers;
    byte[] raised = registers.clone();
    raised[index] = rank;
    return raised;
  }

  /** @param high the upper half of a value's hash */
  static int index(int high, int p) {
    return high >>> (32 - p);
  }

  static byte rank(int high, Object value, int p) {
    int rest = high << p;
    return (byte) (rest != 0
        ? Integer.numberOfLeadingZeros(rest) + 1
        : 32 - p + Integer.numberOfLeadingZeros(HashValue.low(value)) + 1);
  }

  public static void merge(byte[] into, byte[] from) {
    for (int i = 0; i < from.length; i++) if (from[i] > into[i]) into[i] = from[i];
  }

  public static String text(byte[] registers) {
    int p = Integer.numberOfTrailingZeros(registers.length);
    int width = (p + 5) / 6;
    int entries = 0;
    for (byte rank : registers) if (rank > 0) entries++;
    if (entries * (width + 1) >= registers.length) {
      StringBuilder text = new StringBuilder(registers.length + 1).append('d');
      for (byte rank : registers) text.append(DIGITS.charAt(rank));
      return text.toString();
    }
    StringBuilder text = new StringBuilder(entries * (width + 1) + 1).append('s');
    for (int i = 0; i < registers.length; i++) {
      if (registers[i] == 0) continue;
      for (int digit = width - 1; digit >= 0; digit--)
        text.append(DIGITS.charAt((i >> (6 * digit)) & 63));
      text.append(DIGITS.charAt(registers[i]));
    }
    return text.toString();
  }

  public static byte[] of(String text, int p) {
    byte[] registers = new byte[1 << p];
    if (text.charAt(0) == 'd') {
      for (int i = 0; i < registers.length; i++) registers[i] = digit(text, i + 1);
      return registers;
    }
    int width = (p + 5) / 6;
    for (int at = 1; at < text.length(); at += width + 1) {
      int index = 0;
      for (int i = 0; i < width; i++) index = index * 64 + digit(text, at + i);
      registers[index] = digit(text, at + width);
    }
    return registers;
  }

  private static byte digit(String text, int at) {
    return (byte) DIGITS.indexOf(text.charAt(at));
  }

  public static long estimate(byte[] registers) {
    int m = registers.length;
    int q = 64 - Integer.numberOfTrailingZeros(m);
    double[] withRank = new double[q + 2];
    for (byte rank : registers) withRank[rank]++;
    double z = m * tau(1 - withRank[q + 1] / m);
    for (int rank = q; rank >= 1; rank--) z = 0.5 * (z + withRank[rank]);
    z += m * sigma(withRank[0] / m);
    return Math.round((ALPHA * m * m) / z);
  }

  private static double sigma(double share) {
    if (share == 1) return Double.POSITIVE_INFINITY;
    double x = share;
    double y = 1;
    double z = share;
    for (;;) {
      x *= x;
      double before = z;
      z += x * y;
      y += y;
      if (z == before) return z;
    }
  }

  private static double tau(double share) {
    if (share == 0 || share == 1) return 0;
    double x = share;
    double y = 1;
    double z = 1 - share;
    for (;;) {
      x = Math.sqrt(x);
      double before = z;
      y *= 0.5;
      z -= (1 - x) * (1 - x) * y;
      if (z == before) return z / 3;
    }
  }

  /** Registers of which few are set at first: those are kept as a short list. */
  public static final class Few {
    private static final int MOST = 32;
    private static final int RANK_BITS = 8;

    private final int p;
    /** index and rank of each register that is set; null: `all` has them */
    private int[] few = new int[4];
    private int count;
    private byte[] all;

    public Few(int p) {
      this.p = p;
    }

    /** @param value a text, a number or a boolean */
    public void add(Object value) {
      int high = HashValue.high(value);
      raise(index(high, p), rank(high, value, p));
    }

    public void merge(Few from) {
      if (from.all != null) Registers.merge(dense(), from.all);
      else
        for (int i = 0; i < from.count; i++)
          raise(from.few[i] >>> RANK_BITS, (byte) from.few[i]);
    }

    /** One for each index; it may be the state itself. */
    public byte[] registers() {
      if (all != null) return all;
      byte[] registers = new byte[1 << p];
      for (int i = 0; i < count; i++) registers[few[i] >>> RANK_BITS] = (byte) few[i];
      return registers;
    }

    private byte[] dense() {
      if (all == null) {
        all = registers();
        few = null;
      }
      return all;
    }

    private void raise(int index, byte rank) {
      if (all != null) {
        if (rank > all[index]) all[index] = rank;
        return;
      }
      for (int i = 0; i < count; i++)
        if (few[i] >>> RANK_BITS == index) {
          if (rank > (byte) few[i]) few[i] = index << RANK_BITS | rank;
          return;
        }
      if (count == MOST) {
        dense()[index] = rank;
        return;
      }
      if (count == few.length) few = Arrays.copyOf(few, 2 * count);
      few[count++] = index << RANK_BITS | rank;
    }
  }
}
