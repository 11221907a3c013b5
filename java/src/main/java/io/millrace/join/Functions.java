package io.millrace.join;

import io.millrace.algebra.Js;
import io.millrace.algebra.Texts;
import java.time.LocalDate;
import java.util.Locale;

/** The functions of expressions that are null where an argument is null. */
final class Functions {
  /** The arguments are not null. */
  @FunctionalInterface
  interface Call {
    Object of(Object[] args);
  }

  private static final double DAY = 86_400_000;
  /** beyond it, JavaScript has no date */
  private static final double LAST_TIME = 8.64e15;

  private Functions() {}

  static Call of(String name, Json node) {
    boolean real = node.get("real").isTrue();
    return switch (name) {
      case "eq" -> a -> same(a[0], a[1]);
      case "ne" -> a -> !same(a[0], a[1]);
      case "gt" -> a -> compare(a[0], a[1]) > 0;
      case "gte" -> a -> compare(a[0], a[1]) >= 0;
      case "lt" -> a -> compare(a[0], a[1]) < 0;
      case "lte" -> a -> compare(a[0], a[1]) <= 0;
      case "not" -> a -> !((Boolean) a[0]);
      case "add" -> a -> result(number(a[0]) + number(a[1]), real);
      case "sub" -> a -> result(number(a[0]) - number(a[1]), real);
      case "mul" -> a -> result(number(a[0]) * number(a[1]), real);
      case "div" -> a -> result(number(a[0]) / number(a[1]), real);
      case "mod" -> a -> result(number(a[0]) % number(a[1]), real);
      case "neg" -> a -> -number(a[0]) + 0.0;
      case "abs" -> a -> Math.abs(number(a[0])) + 0.0;
      case "round" -> a -> Js.round(number(a[0]));
      case "floor" -> a -> Math.floor(number(a[0])) + 0.0;
      case "ceil" -> a -> Math.ceil(number(a[0])) + 0.0;
      case "least" -> a -> extreme(a, -1);
      case "greatest" -> a -> extreme(a, 1);
      case "sqrt" -> a -> Js.finite(Math.sqrt(number(a[0])));
      case "ln" -> a -> Js.finite(StrictMath.log(number(a[0])));
      case "exp" -> a -> Js.finite(StrictMath.exp(number(a[0])));
      case "pow" -> a -> Js.finite(StrictMath.pow(number(a[0]), number(a[1])));
      case "cast" -> Casts.of(node.get("from").text(), node.get("args").get(1).get("value").text());
      case "truncate" -> {
        String unit = node.get("args").get(1).get("value").text();
        yield a -> truncate(number(a[0]), unit);
      }
      case "hour", "minute", "dayOfWeek", "dayOfMonth", "month", "year" -> {
        double scale = node.get("days").isTrue() ? DAY : 1;
        yield a -> part(name, number(a[0]) * scale);
      }
      default -> text(name);
    };
  }

  private static double number(Object value) {
    return (Double) value;
  }

  private static boolean same(Object a, Object b) {
    return a instanceof Double x && b instanceof Double y
        ? x.doubleValue() == y.doubleValue()
        : a.equals(b);
  }

  /** Numbers numerically, false before true, texts by UTF-16 code units. */
  @SuppressWarnings({"unchecked", "rawtypes"})
  static int compare(Object a, Object b) {
    if (a instanceof Double x && b instanceof Double y)
      return x.doubleValue() < y.doubleValue() ? -1 : x.doubleValue() > y.doubleValue() ? 1 : 0;
    return ((Comparable) a).compareTo(b);
  }

  /** Null where a double has no exact result: not finite, or whole and beyond ±(2^53 − 1). */
  private static Double result(double x, boolean real) {
    if (real) return Js.finite(x);
    return x >= -Js.MAX_SAFE && x <= Js.MAX_SAFE ? (Double) (x + 0.0) : null;
  }

  private static Object extreme(Object[] args, int sign) {
    Object best = args[0];
    for (int i = 1; i < args.length; i++)
      if (Integer.signum(compare(args[i], best)) == sign) best = args[i];
    return best;
  }

  private static double dayOfWeek(double ms) {
    return (((Math.floor(ms / DAY) + 3) % 7) + 7) % 7 + 1;
  }

  private static LocalDate date(double ms) {
    return Math.abs(ms) > LAST_TIME ? null : LocalDate.ofEpochDay((long) Math.floor(ms / DAY));
  }

  private static Double part(String name, double ms) {
    switch (name) {
      case "hour":
        return Math.floor((((ms % DAY) + DAY) % DAY) / 3_600_000);
      case "minute":
        return Math.floor((((ms % 3_600_000) + 3_600_000) % 3_600_000) / 60_000);
      case "dayOfWeek":
        return dayOfWeek(ms);
      default:
        LocalDate date = date(ms);
        if (date == null) return Double.NaN;
        return (double) switch (name) {
          case "dayOfMonth" -> date.getDayOfMonth();
          case "month" -> date.getMonthValue();
          default -> date.getYear();
        };
    }
  }

  private static Double truncate(double ms, String unit) {
    double size = switch (unit) {
      case "second" -> 1_000;
      case "minute" -> 60_000;
      case "hour" -> 3_600_000;
      case "day" -> DAY;
      default -> 0;
    };
    if (size > 0) return Math.floor(ms / size) * size;
    if (unit.equals("week")) return (Math.floor(ms / DAY) - (dayOfWeek(ms) - 1)) * DAY;
    LocalDate date = date(ms);
    if (date == null) return Double.NaN;
    LocalDate start = unit.equals("month") ? date.withDayOfMonth(1) : date.withDayOfYear(1);
    return start.toEpochDay() * DAY;
  }

  private static Call text(String name) {
    return switch (name) {
      case "lower" -> a -> ((String) a[0]).toLowerCase(Locale.ROOT);
      case "upper" -> a -> ((String) a[0]).toUpperCase(Locale.ROOT);
      case "trim" -> a -> trim((String) a[0]);
      case "length" -> a -> (double) ((String) a[0]).codePointCount(0, ((String) a[0]).length());
      case "concat" -> Functions::concat;
      case "startsWith" -> a -> ((String) a[0]).startsWith((String) a[1]);
      case "endsWith" -> a -> ((String) a[0]).endsWith((String) a[1]);
      case "contains" -> a -> ((String) a[0]).contains((String) a[1]);
      case "replace" -> a -> Texts.replace((String) a[0], (String) a[1], (String) a[2]);
      case "substring" -> a -> Texts.substring((String) a[0], (long) number(a[1]),
          a.length > 2 ? (long) number(a[2]) : Long.MAX_VALUE);
      default -> throw new IllegalArgumentException("there is no function " + name);
    };
  }

  private static String trim(String text) {
    int from = 0;
    int to = text.length();
    while (from < to && text.charAt(from) == ' ') from++;
    while (to > from && text.charAt(to - 1) == ' ') to--;
    return text.substring(from, to);
  }

  private static String concat(Object[] args) {
    String[] parts = new String[args.length];
    for (int i = 0; i < parts.length; i++) parts[i] = (String) args[i];
    return Texts.concat(parts);
  }
}
