package io.millrace.join;

/** hi + lo, by compensated addition. The TypeScript version is domain/aggregations/sum.ts. */
final class Sum extends Partial {
  Sum(int n, int r) {
    super(n, r);
  }

  @Override
  int nums() {
    return 2;
  }

  @Override
  void identity(Slots s) {
    s.nums[n] = 0;
    s.nums[n + 1] = 0;
  }

  @Override
  void add(Slots s, Object value, Place place) {
    add(s.nums, (Double) value);
  }

  @Override
  void merge(Slots into, Slots from) {
    add(into.nums, from.nums[n]);
    into.nums[n + 1] += from.nums[n + 1];
  }

  private void add(double[] nums, double x) {
    double hi = nums[n];
    double sum = hi + x;
    double shadow = sum - hi;
    nums[n] = sum;
    nums[n + 1] += hi - (sum - shadow) + (x - shadow);
  }
}
