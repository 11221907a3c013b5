package io.millrace.join;

import io.millrace.algebra.Registers;

/**
 * HyperLogLog's registers; null is empty. The TypeScript version is
 * domain/aggregations/hyper-log-log.ts.
 */
final class RegisterStates extends Partial {
  private final int precision;

  RegisterStates(int precision, int n, int r) {
    super(n, r);
    this.precision = precision;
  }

  @Override
  int refs() {
    return 1;
  }

  @Override
  void identity(Slots s) {
    s.refs[r] = null;
  }

  @Override
  void add(Slots s, Object value, Place place) {
    own(s).add(value);
  }

  @Override
  void merge(Slots into, Slots from) {
    if (from.refs[r] != null) own(into).merge((Registers.Few) from.refs[r]);
  }

  private Registers.Few own(Slots s) {
    if (s.refs[r] == null) s.refs[r] = new Registers.Few(precision);
    return (Registers.Few) s.refs[r];
  }

  long estimate(Slots s) {
    return Registers.estimate(own(s).registers());
  }
}
