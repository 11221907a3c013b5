package io.millrace.join;

/** n, mean and m2. The TypeScript version is domain/aggregations/variance.ts. */
final class Moments extends Partial {
  Moments(int n, int r) {
    super(n, r);
  }

  @Override
  int nums() {
    return 3;
  }

  @Override
  void identity(Slots s) {
    for (int i = 0; i < 3; i++) s.nums[n + i] = 0;
  }

  @Override
  void add(Slots s, Object value, Place place) {
    double[] nums = s.nums;
    double x = (Double) value;
    double count = nums[n] + 1;
    double mean = nums[n + 1];
    double delta = x - mean;
    double moved = mean + delta / count;
    nums[n] = count;
    nums[n + 1] = moved;
    nums[n + 2] = nums[n + 2] + delta * (x - moved);
  }

  @Override
  void merge(Slots into, Slots from) {
    double[] mine = into.nums;
    double a = mine[n];
    double b = from.nums[n];
    if (b == 0) return;
    double total = a + b;
    double delta = from.nums[n + 1] - mine[n + 1];
    mine[n] = total;
    mine[n + 1] = mine[n + 1] + (delta * b) / total;
    mine[n + 2] = mine[n + 2] + from.nums[n + 2] + ((delta * a) / total) * delta * b;
  }
}
