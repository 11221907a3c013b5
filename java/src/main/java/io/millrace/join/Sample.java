package io.millrace.join;

import io.millrace.algebra.HashPlace;

/** The events with the smallest hashes of their places. See domain/aggregations/approx-top-k.ts. */
final class Sample extends Ordered {
  Sample(int capacity, int n, int r) {
    super(capacity, 1, n, r);
  }

  @Override
  void add(Slots s, Object value, Place place) {
    long hash = HashPlace.of(place.partition(), place.offset());
    keep(s, new Place(hash, place.partition(), place.offset()), value);
  }
}
