package io.millrace.join;

import io.millrace.algebra.Buckets;
import io.millrace.algebra.Js;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A feature's value of the merged states of its partials, from its form
 * (domain/aggregations/forms.ts).
 */
@FunctionalInterface
interface Value {
  /** more distinct values than are counted: the value is null */
  Object OVERFLOW = new Object();

  /** A value (see Expression), or OVERFLOW. */
  Object of(Slots s);

  static Value of(Json form, Partial[] states) {
    Partial first = states[0];
    return switch (form.get("aggregation").text()) {
      case "count" -> s -> s.nums[first.n];
      case "sum" -> sum(first.n, states[1].n, form.get("whole").isTrue());
      case "avg" -> avg(first.n, states[1].n);
      case "min", "max" -> extreme(first);
      case "variance" -> s -> variance(s, first.n, false);
      case "stddev" -> s -> variance(s, first.n, true);
      case "first", "last" -> ordered(form, states);
      case "firstK", "lastK" -> s -> all(((Ordered) first).entries(s));
      case "countDistinct" -> s -> ((Counts) first).isOverflow(s) ? OVERFLOW
          : (Object) (double) ((Counts) first).of(s).size();
      case "histogram" -> s -> histogram(s, first);
      case "topK" -> {
        int k = form.get("k").whole();
        yield s -> ((Counts) first).isOverflow(s) ? OVERFLOW
            : mostFrequent(((Counts) first).of(s), k);
      }
      case "approxCountDistinct" -> s -> (double) ((RegisterStates) first).estimate(s);
      case "approxPercentile" -> percentile(
          (Counts) first, form.get("q").number(), form.get("lnGamma").number());
      case "approxTopK" -> {
        int k = form.get("k").whole();
        yield s -> mostFrequent(counted(((Ordered) first).entries(s)), k);
      }
      default -> throw new IllegalArgumentException(
          "there is no aggregation " + form.get("aggregation").text());
    };
  }

  private static Double finite(double x) {
    return Double.isFinite(x) ? (Double) x : null;
  }

  private static Double total(Slots s, int sum, int count) {
    return s.nums[count] == 0 ? null : finite(s.nums[sum] + s.nums[sum + 1]);
  }

  private static Value sum(int sum, int count, boolean whole) {
    return s -> {
      Double total = total(s, sum, count);
      return whole && total != null && Math.abs(total) > Js.MAX_SAFE ? null : total;
    };
  }

  private static Value avg(int sum, int count) {
    return s -> {
      Double total = total(s, sum, count);
      return total == null ? null : finite(total / s.nums[count]);
    };
  }

  private static Value extreme(Partial state) {
    return state instanceof TextExtreme
        ? s -> s.refs[state.r]
        : s -> finite(s.nums[state.n]);
  }

  private static Double variance(Slots s, int n, boolean root) {
    double count = s.nums[n];
    if (count < 2) return null;
    double variance = Math.max(0, s.nums[n + 2]) / (count - 1);
    return finite(root ? Math.sqrt(variance) : variance);
  }

  private static Value ordered(Json form, Partial[] states) {
    Ordered values = (Ordered) states[0];
    if (!form.get("nulls").text().equals("keep")) return s -> one(values.entries(s));
    Ordered presence = (Ordered) states[1];
    return s -> Double.valueOf(1).equals(one(presence.entries(s))) ? one(values.entries(s)) : null;
  }

  private static Object one(Ordered.Entry[] entries) {
    return entries.length == 0 ? null : entries[0].value();
  }

  private static List<Object> all(Ordered.Entry[] entries) {
    return entries.length == 0 ? null
        : Arrays.stream(entries).map(Ordered.Entry::value).toList();
  }

  private static Map<Object, Long> counted(Ordered.Entry[] entries) {
    Map<Object, Long> counts = new HashMap<>();
    for (Ordered.Entry entry : entries) counts.merge(entry.value(), 1L, Long::sum);
    return counts;
  }

  private static List<Object> histogram(Slots s, Partial state) {
    List<Object> counts = new ArrayList<>();
    boolean any = false;
    for (int i = 0; i < state.nums(); i++) {
      counts.add(s.nums[state.n + i]);
      any |= s.nums[state.n + i] != 0;
    }
    return any ? counts : null;
  }

  /** The most frequent value first, ties in ascending order of value. */
  private static List<Object> mostFrequent(Map<Object, Long> counts, int k) {
    if (counts.isEmpty()) return null;
    return counts.entrySet().stream()
        .sorted((a, b) -> {
          int byCount = Long.compare(b.getValue(), a.getValue());
          return byCount != 0 ? byCount : Functions.compare(a.getKey(), b.getKey());
        })
        .limit(k)
        .<Object>map(Map.Entry::getKey)
        .toList();
  }

  private static Value percentile(Counts counts, double q, double lnGamma) {
    return s -> {
      if (counts.isOverflow(s) || counts.of(s).isEmpty()) return null;
      List<Map.Entry<Object, Long>> ascending = new ArrayList<>(counts.of(s).entrySet());
      ascending.sort((a, b) -> Functions.compare(a.getKey(), b.getKey()));
      long total = 0;
      for (Map.Entry<Object, Long> entry : ascending) total += entry.getValue();
      double place = Math.floor(q * (total - 1));
      long before = 0;
      for (Map.Entry<Object, Long> entry : ascending) {
        before += entry.getValue();
        if (before > place)
          return Buckets.value(((Double) entry.getKey()).longValue(), lnGamma);
      }
      return null;
    };
  }
}
