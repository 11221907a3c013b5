package io.millrace.join;

import java.util.Arrays;

/**
 * The k events nearest to one end of the total order, nearest first. Arrays of entries are
 * replaced, never changed, so states may share them. The TypeScript version is
 * domain/aggregations/first-last.ts.
 */
class Ordered extends Partial {
  record Entry(Place place, Object value) {}

  static final Entry[] NONE = {};
  /** More entries than this are merged as lists: added one by one, each would copy the list. */
  private static final int FEW = 4;

  private final int k;
  /** 1: the first k, oldest first; −1: the last k, newest first */
  private final int sign;

  Ordered(int k, int sign, int n, int r) {
    super(n, r);
    this.k = k;
    this.sign = sign;
  }

  @Override
  final int refs() {
    return 1;
  }

  @Override
  final void identity(Slots s) {
    s.refs[r] = NONE;
  }

  @Override
  void add(Slots s, Object value, Place place) {
    keep(s, place, value);
  }

  final void keep(Slots s, Place place, Object value) {
    Entry[] kept = entries(s);
    if (k == 1 && kept.length == 1 && sign * place.compareTo(kept[0].place) >= 0) return;
    s.refs[r] = with(kept, new Entry(place, Expressions.plain(value)));
  }

  @Override
  final void merge(Slots into, Slots from) {
    Entry[] list = entries(into);
    Entry[] more = entries(from);
    if (list.length == 0) list = more;
    else if (more.length > FEW) list = merged(list, more);
    else for (Entry entry : more) list = with(list, entry);
    into.refs[r] = list;
  }

  private Entry[] merged(Entry[] a, Entry[] b) {
    Entry[] list = new Entry[Math.min(k, a.length + b.length)];
    int size = 0;
    int i = 0;
    int j = 0;
    while (size < list.length && (i < a.length || j < b.length)) {
      int order = i == a.length ? 1
          : j == b.length ? -1 : sign * a[i].place.compareTo(b[j].place);
      list[size++] = order <= 0 ? a[i] : b[j];
      if (order <= 0) i++;
      if (order >= 0) j++;
    }
    return size == list.length ? list : Arrays.copyOf(list, size);
  }

  final Entry[] entries(Slots s) {
    return (Entry[]) s.refs[r];
  }

  private Entry[] with(Entry[] list, Entry entry) {
    int at = list.length;
    while (at > 0 && sign * entry.place.compareTo(list[at - 1].place) < 0) at--;
    if (at >= k || (at > 0 && entry.place.compareTo(list[at - 1].place) == 0)) return list;
    Entry[] longer = Arrays.copyOf(list, Math.min(list.length + 1, k));
    System.arraycopy(list, at, longer, at + 1, longer.length - at - 1);
    longer[at] = entry;
    return longer;
  }
}
