package io.millrace.algebra;

/**
 * A 64-bit hash of a value, made of two 32-bit MurmurHash3 hashes. The TypeScript version,
 * domain/aggregations/hash-value.ts, has the details.
 */
final class HashValue {
  private static final int SEED_HIGH = 0;
  private static final int SEED_LOW = 0x5bd1e995;

  private HashValue() {}

  static int high(Object value) {
    return of(value, SEED_HIGH);
  }

  static int low(Object value) {
    return of(value, SEED_LOW);
  }

  private static int of(Object value, int seed) {
    if (value instanceof String text) return ofText(text, seed);
    double number = value instanceof Boolean b ? (b ? 1 : 0) : ((Number) value).doubleValue();
    // −0 is 0
    long bits = Double.doubleToLongBits(number + 0.0);
    return finish(mixIn(mixIn(seed, (int) bits), (int) (bits >>> 32)), 8);
  }

  static int ofWords(int first, int second, int third) {
    return finish(mixIn(mixIn(mixIn(SEED_LOW, first), second), third), 12);
  }

  private static int ofText(String text, int seed) {
    int hash = seed;
    int pairs = text.length() & ~1;
    for (int i = 0; i < pairs; i += 2)
      hash = mixIn(hash, text.charAt(i) | (text.charAt(i + 1) << 16));
    if (pairs < text.length()) hash ^= scramble(text.charAt(pairs));
    return finish(hash, text.length() * 2);
  }

  private static int scramble(int block) {
    return Integer.rotateLeft(block * 0xcc9e2d51, 15) * 0x1b873593;
  }

  private static int mixIn(int hash, int block) {
    return Integer.rotateLeft(hash ^ scramble(block), 13) * 5 + 0xe6546b64;
  }

  private static int finish(int hash, int bytes) {
    int h = hash ^ bytes;
    h = (h ^ (h >>> 16)) * 0x85ebca6b;
    h = (h ^ (h >>> 13)) * 0xc2b2ae35;
    return h ^ (h >>> 16);
  }
}
