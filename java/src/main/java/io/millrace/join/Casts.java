package io.millrace.join;

import io.millrace.algebra.Js;
import io.millrace.algebra.Times;
import java.util.Set;

/** The conversions of a cast. The TypeScript version is domain/expressions/casts.ts. */
final class Casts {
  private static final double DAY = 86_400_000;
  private static final Set<String> NUMBERS = Set.of("int", "long", "float", "double");

  private Casts() {}

  static Functions.Call of(String from, String to) {
    if (from.equals(to)) return a -> a[0];
    return switch (from) {
      case "string" -> ofText(to);
      case "boolean" -> to.equals("string")
          ? a -> String.valueOf(a[0])
          : a -> (Boolean) a[0] ? 1.0 : 0.0;
      case "timestamp" -> ofTime(to);
      case "date" -> ofDate(to);
      default -> a -> ofNumber((Double) a[0], to);
    };
  }

  private static Functions.Call ofText(String to) {
    if (NUMBERS.contains(to))
      return a -> {
        Double number = Js.parse((String) a[0]);
        return number == null ? null : ofNumber(number, to);
      };
    return switch (to) {
      case "boolean" -> a -> a[0].equals("true") ? (Object) true : a[0].equals("false") ? false
          : null;
      case "timestamp" -> a -> asDouble(Times.parseTime((String) a[0]));
      default -> a -> asDouble(Times.parseDate((String) a[0]));
    };
  }

  private static Functions.Call ofTime(String to) {
    return switch (to) {
      case "string" -> a -> Times.formatTime(((Double) a[0]).longValue());
      case "date" -> a -> Math.floor((Double) a[0] / DAY);
      default -> a -> ofNumber((Double) a[0], to);
    };
  }

  private static Functions.Call ofDate(String to) {
    return switch (to) {
      case "string" -> a -> Times.formatDate(((Double) a[0]).longValue());
      case "timestamp" -> a -> (Double) a[0] * DAY;
      default -> a -> ofNumber((Double) a[0], to);
    };
  }

  private static Object ofNumber(double x, String to) {
    return switch (to) {
      case "int" -> x > -2147483649.0 && x < 2147483648.0 ? (Object) towardsZero(x) : null;
      case "long" -> asDouble(Js.within(x, Js.MAX_SAFE));
      case "float" -> {
        float near = (float) x;
        yield Float.isFinite(near) ? (Object) ((double) near + 0.0) : null;
      }
      case "double" -> Js.finite(x);
      case "timestamp" -> asDouble(Js.between(x, Times.MIN_TIME, Times.MAX_TIME));
      case "date" -> asDouble(Js.between(x, Times.MIN_DATE, Times.MAX_DATE));
      case "string" -> Js.text(x);
      case "boolean" -> x != 0;
      default -> throw new IllegalArgumentException("there is no cast to " + to);
    };
  }

  private static double towardsZero(double x) {
    return (x < 0 ? Math.ceil(x) : Math.floor(x)) + 0.0;
  }

  private static Double asDouble(Number value) {
    return value == null ? null : (Double) value.doubleValue();
  }
}
