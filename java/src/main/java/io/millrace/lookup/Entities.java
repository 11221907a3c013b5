package io.millrace.lookup;

/** The entities of a request: the bytes of their keys, the key values and the buckets. */
final class Entities {
  private final ByteKey[] keys;
  private final Object[][] values;
  private final int[] buckets;

  private Entities(int count) {
    keys = new ByteKey[count];
    values = new Object[count][];
    buckets = new int[count];
  }

  static Entities read(WireIn in, TableState state, int count) {
    Entities entities = new Entities(count);
    for (int i = 0; i < count; i++) {
      int from = in.position();
      entities.values[i] = state.shape.keys.read(in);
      entities.keys[i] = new ByteKey(in.slice(from, in.position()));
      entities.buckets[i] = state.bucketOf(entities.values[i]);
    }
    return entities;
  }

  int size() {
    return keys.length;
  }

  ByteKey key(int i) {
    return keys[i];
  }

  Object[] values(int i) {
    return values[i];
  }

  int bucket(int i) {
    return buckets[i];
  }
}
