package io.millrace.join;

import io.millrace.algebra.Js;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The point-in-time join of one view: takes, for one entity after the other, its events and the
 * times of its rows, in the order in which they became visible, and answers the values at each row.
 * An event that is visible at a row's time comes before the row. The plan is
 * domain/training-sets/join-plan.ts, and the values are those of
 * domain/training-sets/sliding-view.ts, to the last bit.
 *
 * <p>It knows no engine. Whoever calls it sorts: by entity, then by time.
 */
public final class JoinedView {
  /** Codes of domain/training-sets/statuses.ts. */
  private static final int NOT_FOUND = 0;
  private static final int EXPIRED = 1;
  private static final int NULL = 2;
  private static final int PRESENT = 3;
  private static final int OVERFLOWED = 4;

  private static final char SEPARATOR = '\u001f';

  private final int[] keys;
  private final Expression filter;
  private final Expression existence;
  private final double ttlMs;
  private final Map<Integer, Set<Long>> excluded = new HashMap<>();
  private final Expression[] expressions;
  private final Window[] windows;
  private final boolean[] isNumber;
  private final Object[] results;
  private final Object[] outputs;
  private final int[] statuses;

  private boolean hasEvents;
  private long newest;
  private boolean exists;
  /** the newest event's, where events say whether the entity exists */
  private Place last;

  public JoinedView(String plan) {
    this(Json.read(plan));
  }

  JoinedView(Json plan) {
    keys = plan.get("keys").list().stream().mapToInt(Json::whole).toArray();
    filter = Expressions.orNull(plan.get("filter"));
    existence = Expressions.orNull(plan.get("existence"));
    ttlMs = plan.get("ttlMs").isNull() ? Double.POSITIVE_INFINITY : plan.get("ttlMs").number();
    for (Json place : plan.get("excluded").list())
      excluded.computeIfAbsent(place.get(0).whole(), partition -> new HashSet<>())
          .add(place.get(1).wholeLong());
    expressions = plan.get("expressions").list().stream().map(Expressions::of)
        .toArray(Expression[]::new);
    windows = plan.get("windows").list().stream().map(Window::new).toArray(Window[]::new);
    List<Json> types = plan.get("outputs").list();
    isNumber = new boolean[types.size()];
    for (int i = 0; i < isNumber.length; i++) isNumber[i] = types.get(i).text().equals("number");
    results = new Object[expressions.length];
    outputs = new Object[types.size()];
    statuses = new int[types.size()];
    reset();
  }

  /**
   * The encoded key of an event's entity (domain/plan/entity-key.ts); null where the event belongs
   * to none, or never counts.
   */
  public String keyOf(Object[] event, int partition, long offset) {
    if (isExcluded(partition, offset) || !passes(event)) return null;
    if (keys.length == 1) return text(event[keys[0]]);
    StringBuilder key = new StringBuilder();
    for (int i = 0; i < keys.length; i++) {
      String part = text(event[keys[i]]);
      if (part == null) return null;
      if (i > 0) key.append(SEPARATOR);
      for (int at = 0; at < part.length(); at++) {
        char c = part.charAt(at);
        if (c == SEPARATOR || c == '\\') key.append('\\');
        key.append(c);
      }
    }
    return key.toString();
  }

  private static String text(Object value) {
    if (value == null) return null;
    return value instanceof Double number ? Js.text(number) : value.toString();
  }

  private boolean passes(Object[] event) {
    return filter == null || Boolean.TRUE.equals(filter.of(event));
  }

  private boolean isExcluded(int partition, long offset) {
    if (excluded.isEmpty()) return false;
    Set<Long> offsets = excluded.get(partition);
    return offsets != null && offsets.contains(offset);
  }

  /** Another entity begins. */
  public void reset() {
    for (Window window : windows) window.reset();
    hasEvents = false;
    exists = false;
    last = null;
  }

  /**
   * An event of the entity for which `keyOf` is not null.
   * @param visible the time from which it counts, epoch ms
   */
  public void add(Object[] event, long visible, long eventTime, int partition, long offset) {
    Place place = new Place(eventTime, partition, offset);
    if (!hasEvents || eventTime > newest) newest = eventTime;
    hasEvents = true;
    if (existence != null && (last == null || place.compareTo(last) >= 0)) {
      last = place;
      exists = Double.valueOf(1).equals(existence.of(event));
    }
    for (int i = 0; i < expressions.length; i++) results[i] = expressions[i].of(event);
    for (Window window : windows) window.add(visible, place, results);
  }

  /** Answers a row of this time, epoch ms: `value` and `status` then have what it answers. */
  public void read(long at) {
    if (existence != null && !exists) {
      for (Window window : windows) window.readEmpty(outputs);
      finish(NOT_FOUND);
      return;
    }
    if (hasEvents && newest < at - ttlMs) {
      Arrays.fill(outputs, null);
      finish(EXPIRED);
      return;
    }
    for (Window window : windows) window.read(at, outputs);
    finish(hasEvents ? PRESENT : NOT_FOUND);
  }

  private void finish(int status) {
    for (int i = 0; i < outputs.length; i++) {
      Object value = outputs[i];
      boolean isOverflow = value == Value.OVERFLOW;
      if (isOverflow) outputs[i] = null;
      else if (isNumber[i] && value instanceof Boolean b) outputs[i] = b ? 1.0 : 0.0;
      statuses[i] = status != PRESENT ? status
          : isOverflow ? OVERFLOWED : value == null ? NULL : PRESENT;
    }
  }

  public int size() {
    return outputs.length;
  }

  /**
   * By output: a Double (of a boolean 1 or 0), a String, a List of Doubles, Strings and Booleans,
   * or null.
   */
  public Object value(int output) {
    return outputs[output];
  }

  public int status(int output) {
    return statuses[output];
  }
}
