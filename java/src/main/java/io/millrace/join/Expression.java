package io.millrace.join;

/**
 * An expression over an event's values. A value is a Double (a number, a time in epoch ms, a date
 * in days), a String (a text, or bytes in base64), a Boolean, a List of these, or null.
 */
@FunctionalInterface
interface Expression {
  Object of(Object[] event);
}
