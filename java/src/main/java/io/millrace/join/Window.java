package io.millrace.join;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One window of a view over a time that only moves forward, for one entity at a time. It is
 * domain/training-sets/sliding-window.ts, step by step, whose head comment has the algorithm: tiles
 * at the back grow, suffixes at the front are merged once, and the total is that of the back.
 */
final class Window {
  private record Feature(int output, Value value) {}

  private record Input(Partial partial, int input, int filter) {}

  private final long hopMs;
  /** 0: all time */
  private final long windowMs;
  private final Input[] partials;
  private final Feature[] features;
  private final int nums;
  private final int refs;
  /** front's last is its oldest, back's last is its newest */
  private final List<Slots> front = new ArrayList<>();
  private final List<Slots> back = new ArrayList<>();
  private final List<Slots> free = new ArrayList<>();
  private final Slots total;
  private final Slots sum;
  private boolean isEmpty = true;

  Window(Json plan) {
    hopMs = plan.get("hopMs").wholeLong();
    windowMs = plan.get("windowMs").isNull() ? 0 : plan.get("windowMs").wholeLong();
    List<Json> given = plan.get("partials").list();
    partials = new Input[given.size()];
    int n = 0;
    int r = 0;
    for (int i = 0; i < partials.length; i++) {
      Json one = given.get(i);
      Partial partial = Partial.of(one.get("form"), n, r);
      n += partial.nums();
      r += partial.refs();
      partials[i] = new Input(partial, one.get("input").whole(), one.get("filter").whole());
    }
    nums = n;
    refs = r;
    features = plan.get("features").list().stream().map(this::feature).toArray(Feature[]::new);
    total = new Slots(nums, refs);
    sum = new Slots(nums, refs);
  }

  private Feature feature(Json given) {
    Partial[] states = given.get("states").list().stream()
        .map(state -> partials[state.whole()].partial).toArray(Partial[]::new);
    return new Feature(given.get("output").whole(), Value.of(given.get("form"), states));
  }

  /** Another entity begins. */
  void reset() {
    front.forEach(this::release);
    back.forEach(this::release);
    front.clear();
    back.clear();
    isEmpty = true;
  }

  /**
   * @param results the values of the view's expressions
   * @param now no later read is before this time
   */
  void add(long now, Place place, Object[] results) {
    if (isEmpty) {
      identity(total);
      isEmpty = false;
    }
    if (hopMs == 0) {
      addTo(total, results, place);
      return;
    }
    long lowest = lowest(now);
    long tile = Math.floorDiv(place.eventTime(), hopMs);
    if (tile < lowest) return;
    Slots newest = last(back);
    Slots slot = newest != null && newest.tile == tile ? newest
        : place(tile, lowest, results, place);
    if (slot == null) return;
    addTo(slot, results, place);
    addTo(total, results, place);
  }

  /** Sets the values of the features at a time. */
  void read(long at, Object[] outputs) {
    if (isEmpty) identity(sum);
    else {
      slide(lowest(at));
      if (refs > 0) {
        identity(sum);
        merge(sum, total);
      } else System.arraycopy(total.nums, 0, sum.nums, 0, nums);
      Slots oldest = last(front);
      if (oldest != null) merge(sum, oldest);
    }
    put(outputs);
  }

  /** Sets the values over no event. */
  void readEmpty(Object[] outputs) {
    identity(sum);
    put(outputs);
  }

  private void put(Object[] outputs) {
    for (Feature feature : features) outputs[feature.output] = feature.value.of(sum);
  }

  private long lowest(long at) {
    return windowMs == 0 || hopMs == 0 ? Long.MIN_VALUE : Math.floorDiv(at - windowMs, hopMs);
  }

  private static Slots last(List<Slots> slots) {
    return slots.isEmpty() ? null : slots.get(slots.size() - 1);
  }

  private void identity(Slots s) {
    for (Input one : partials) one.partial.identity(s);
  }

  private void merge(Slots into, Slots from) {
    for (Input one : partials) one.partial.merge(into, from);
  }

  private void addTo(Slots s, Object[] results, Place place) {
    for (Input one : partials) {
      if (one.filter >= 0 && !Boolean.TRUE.equals(results[one.filter])) continue;
      Object value = one.input < 0 ? Boolean.TRUE : results[one.input];
      if (value != null) one.partial.add(s, value, place);
    }
  }

  private Slots allocate(long tile) {
    Slots slot = free.isEmpty() ? new Slots(nums, refs) : free.remove(free.size() - 1);
    slot.tile = tile;
    identity(slot);
    return slot;
  }

  private void release(Slots slot) {
    Arrays.fill(slot.refs, null);
    free.add(slot);
  }

  /** The tile in back, allocated where there is none; null where the event was added to front. */
  private Slots place(long tile, long lowest, Object[] results, Place place) {
    slide(lowest);
    boolean isBeforeBack = back.isEmpty() || tile < back.get(0).tile;
    if (isBeforeBack && !front.isEmpty() && tile < front.get(0).tile) {
      addToFront(tile, results, place);
      return null;
    }
    int at = back.size();
    while (at > 0 && back.get(at - 1).tile > tile) at--;
    if (at > 0 && back.get(at - 1).tile == tile) return back.get(at - 1);
    Slots slot = allocate(tile);
    back.add(at, slot);
    return slot;
  }

  private void addToFront(long tile, Object[] results, Place place) {
    int i = front.size();
    while (i > 0 && front.get(i - 1).tile <= tile) i--;
    if (i == front.size() || front.get(i).tile != tile) {
      Slots slot = allocate(tile);
      merge(slot, front.get(i - 1));
      front.add(i, slot);
    }
    for (int j = i; j < front.size(); j++) addTo(front.get(j), results, place);
  }

  private void slide(long lowest) {
    while (!front.isEmpty() && last(front).tile < lowest)
      release(front.remove(front.size() - 1));
    if (!front.isEmpty() || back.isEmpty() || back.get(0).tile >= lowest) return;
    for (int i = back.size() - 1; i >= 0; i--) {
      Slots slot = back.get(i);
      if (slot.tile < lowest) {
        release(slot);
        continue;
      }
      if (!front.isEmpty()) merge(slot, last(front));
      front.add(slot);
    }
    back.clear();
    identity(total);
  }
}
