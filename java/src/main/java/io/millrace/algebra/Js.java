package io.millrace.algebra;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.regex.Pattern;

/**
 * Numbers in JavaScript's form, which differs from SQL's. The TypeScript versions are
 * domain/expressions/function-row.ts and functions-cast.ts.
 */
public final class Js {
  public static final double MAX_SAFE = 9007199254740991.0;

  private static final Pattern NUMERAL =
      Pattern.compile("[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]+)?");
  /** the largest number of digits that a double needs */
  private static final int MOST_DIGITS = 17;
  private static final RoundingMode[] NEIGHBOURS =
      {RoundingMode.HALF_EVEN, RoundingMode.DOWN, RoundingMode.UP};

  private Js() {}

  public static Double finite(double x) {
    return Double.isFinite(x) ? (Double) (x + 0.0) : null;
  }

  public static Long within(double x, double limit) {
    return x >= -limit && x <= limit ? (Long) (long) x : null;
  }

  public static Long between(double x, long least, long most) {
    if (Double.isNaN(x)) return null;
    long whole = (long) x;
    return whole >= least && whole <= most ? (Long) whole : null;
  }

  public static double round(double x) {
    double whole = x < 0 ? Math.ceil(x) : Math.floor(x);
    return (Math.abs(x - whole) >= 0.5 ? whole + Math.signum(x) : whole) + 0.0;
  }

  public static Double parse(String text) {
    return NUMERAL.matcher(text).matches() ? finite(Double.parseDouble(text)) : null;
  }

  /** Number::toString of ECMAScript. */
  public static String text(double x) {
    if (Double.isNaN(x)) return "NaN";
    if (x == 0) return "0";
    if (x < 0) return "-" + text(-x);
    if (Double.isInfinite(x)) return "Infinity";
    BigDecimal shortest = shortest(x).stripTrailingZeros();
    String digits = shortest.unscaledValue().toString();
    int k = digits.length();
    int n = k - shortest.scale();
    if (k <= n && n <= 21) return digits + "0".repeat(n - k);
    if (0 < n && n <= 21) return digits.substring(0, n) + "." + digits.substring(n);
    if (-6 < n && n <= 0) return "0." + "0".repeat(-n) + digits;
    String exponent = (n > 0 ? "e+" : "e-") + Math.abs(n - 1);
    return k == 1 ? digits + exponent : digits.charAt(0) + "." + digits.substring(1) + exponent;
  }

  /**
   * The decimal with the fewest digits that parses to x, and of those the closest. Before JDK 19,
   * Double.toString sometimes gives more digits.
   */
  private static BigDecimal shortest(double x) {
    BigDecimal exact = new BigDecimal(x);
    for (int digits = 1; digits < MOST_DIGITS; digits++)
      for (RoundingMode mode : NEIGHBOURS) {
        BigDecimal rounded = exact.round(new MathContext(digits, mode));
        if (rounded.doubleValue() == x) return rounded;
      }
    return exact.round(new MathContext(MOST_DIGITS, RoundingMode.HALF_EVEN));
  }
}
