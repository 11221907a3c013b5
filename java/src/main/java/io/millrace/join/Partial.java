package io.millrace.join;

/**
 * One partial aggregate of a window: a commutative monoid whose operations work in place, on its
 * own slots. The TypeScript versions are in domain/aggregations; each operation here does the same
 * arithmetic in the same order.
 */
abstract class Partial {
  /** the first of its floats, and of its references */
  final int n;
  final int r;

  Partial(int n, int r) {
    this.n = n;
    this.r = r;
  }

  int nums() {
    return 0;
  }

  int refs() {
    return 0;
  }

  /** The slots become the state over no events. */
  abstract void identity(Slots s);

  /** @param value not null */
  abstract void add(Slots s, Object value, Place place);

  /** `from` does not change, and `into` shares nothing with it that changes. */
  abstract void merge(Slots into, Slots from);

  /** From its form (domain/aggregations/forms.ts). */
  static Partial of(Json form, int n, int r) {
    return switch (form.get("kind").text()) {
      case "plain" -> Plain.of(form.get("slots").list(), n, r);
      case "sum" -> new Sum(n, r);
      case "moments" -> new Moments(n, r);
      case "textExtreme" -> new TextExtreme(form.get("end").text().equals("min") ? -1 : 1, n, r);
      case "ordered" -> new Ordered(
          form.get("k").whole(), form.get("end").text().equals("first") ? 1 : -1, n, r);
      case "sample" -> new Sample(form.get("capacity").whole(), n, r);
      case "counts" -> new Counts(form.get("limit").wholeLong(), n, r);
      case "buckets" -> new BucketCounts(
          form.get("lnGamma").number(), form.get("limit").wholeLong(), n, r);
      case "registers" -> new RegisterStates(form.get("precision").whole(), n, r);
      default -> throw new IllegalArgumentException(
          "there is no partial " + form.get("kind").text());
    };
  }
}
