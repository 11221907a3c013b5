package io.millrace.join;

/**
 * States of partial aggregates, as in domain/aggregations/aggregation.ts: each partial has a fixed
 * number of floats and of references, from a base on. A tile of a window also has its number.
 */
final class Slots {
  final double[] nums;
  final Object[] refs;
  long tile;

  Slots(int nums, int refs) {
    this.nums = new double[nums];
    this.refs = new Object[refs];
  }
}
