package io.millrace.lookup;

import java.time.Instant;

/** Writes log lines to stderr. */
final class Log {
  private Log() {}

  static void info(String message) {
    System.err.println(Instant.now() + " " + message);
  }

  static void error(String message, Throwable cause) {
    StringBuilder line = new StringBuilder(message);
    for (Throwable t = cause; t != null; t = t.getCause()) line.append(": ").append(t);
    info(line.toString());
  }
}
