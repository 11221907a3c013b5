package io.millrace.algebra;

import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Times in epoch ms and dates in days, all in UTC, in the years 0000 to 9999. The TypeScript
 * versions are domain/values/{time,date}.ts.
 */
public final class Times {
  public static final long DAY = 86_400_000;
  public static final long MIN_TIME = -62_167_219_200_000L;
  public static final long MAX_TIME = 253_402_300_799_999L;
  public static final long MIN_DATE = -719_528;
  public static final long MAX_DATE = 2_932_896;

  private static final Pattern ISO =
      Pattern.compile(
          "([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})"
              + "(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?(?:[Zz]|([+-])([0-9]{2})(?::?([0-9]{2}))?)");
  private static final Pattern DATE = Pattern.compile("([0-9]{4})-([0-9]{2})-([0-9]{2})");

  private Times() {}

  public static LocalDate date(long ms) {
    return LocalDate.ofEpochDay(Math.floorDiv(ms, DAY));
  }

  public static int dayOfWeek(long ms) {
    return date(ms).getDayOfWeek().getValue();
  }

  public static Integer parseDate(String text) {
    Matcher match = DATE.matcher(text);
    if (!match.matches()) return null;
    try {
      return (int) LocalDate.of(part(match, 1), part(match, 2), part(match, 3)).toEpochDay();
    } catch (DateTimeException e) {
      return null;
    }
  }

  public static Long parseTime(String text) {
    Matcher match = ISO.matcher(text);
    if (!match.matches()) return null;
    Integer days = parseDate(match.group(1));
    int hour = part(match, 2);
    int minute = part(match, 3);
    int second = part(match, 4);
    int zoneHour = part(match, 7);
    int zoneMinute = part(match, 8);
    if (days == null || hour > 23 || minute > 59 || second > 59 || zoneHour > 23 || zoneMinute > 59)
      return null;
    String fraction = match.group(5) == null ? "" : match.group(5);
    int ms = Integer.parseInt((fraction + "000").substring(0, 3));
    long zone = (zoneHour * 60L + zoneMinute) * 60_000;
    long time = days * DAY + hour * 3_600_000L + minute * 60_000L + second * 1000L + ms
        - ("-".equals(match.group(6)) ? -zone : zone);
    return time >= MIN_TIME && time <= MAX_TIME ? (Long) time : null;
  }

  private static int part(Matcher match, int group) {
    return match.group(group) == null ? 0 : Integer.parseInt(match.group(group));
  }

  public static String formatTime(long ms) {
    if (ms < MIN_TIME || ms > MAX_TIME) return null;
    long inDay = Math.floorMod(ms, DAY);
    return String.format(
        Locale.ROOT, "%sT%02d:%02d:%02d.%03dZ", date(ms), inDay / 3_600_000, inDay / 60_000 % 60,
        inDay / 1000 % 60, inDay % 1000);
  }

  public static String formatDate(long days) {
    return days < MIN_DATE || days > MAX_DATE ? null : LocalDate.ofEpochDay(days).toString();
  }

  public static long truncate(long ms, String unit) {
    return switch (unit) {
      case "second" -> Math.floorDiv(ms, 1000L) * 1000;
      case "minute" -> Math.floorDiv(ms, 60_000L) * 60_000;
      case "hour" -> Math.floorDiv(ms, 3_600_000L) * 3_600_000;
      case "day" -> Math.floorDiv(ms, DAY) * DAY;
      case "week" -> (Math.floorDiv(ms, DAY) - (dayOfWeek(ms) - 1)) * DAY;
      case "month" -> date(ms).withDayOfMonth(1).toEpochDay() * DAY;
      case "year" -> date(ms).withDayOfYear(1).toEpochDay() * DAY;
      default -> throw new IllegalArgumentException("there is no unit of time " + unit);
    };
  }
}
