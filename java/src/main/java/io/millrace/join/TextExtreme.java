package io.millrace.join;

/** The least or greatest text by UTF-16 code units; null over nothing. */
final class TextExtreme extends Partial {
  /** −1: the least; 1: the greatest */
  private final int sign;

  TextExtreme(int sign, int n, int r) {
    super(n, r);
    this.sign = sign;
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
    String known = (String) s.refs[r];
    if (known == null || Integer.signum(((String) value).compareTo(known)) == sign)
      s.refs[r] = value;
  }

  @Override
  void merge(Slots into, Slots from) {
    if (from.refs[r] != null) add(into, from.refs[r], null);
  }
}
