/**
 * Row numbers ordered by time; rows of one time keep their order. A radix sort, because comparisons
 * would cost more than the join itself.
 */
const DIGIT_BITS = 16;
const DIGITS = 1 << DIGIT_BITS;

export const orderByTime = (times: Float64Array): Uint32Array => {
  const count = times.length;
  let order = new Uint32Array(count);
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  let sorted = true;
  for (let i = 0; i < count; i++) {
    const time = times[i] as number;
    order[i] = i;
    if (time < most) sorted = false;
    if (time < least) least = time;
    if (time > most) most = time;
  }
  if (sorted) return order;
  let spare = new Uint32Array(count);
  const starts = new Uint32Array(DIGITS);
  /** the digit of this pass, by row */
  const digits = new Uint16Array(count);
  for (let scale = 1; scale <= most - least; scale *= DIGITS) {
    starts.fill(0);
    for (let row = 0; row < count; row++) {
      const digit = Math.floor(((times[row] as number) - least) / scale) % DIGITS;
      digits[row] = digit;
      starts[digit] = (starts[digit] as number) + 1;
    }
    let start = 0;
    for (let d = 0; d < DIGITS; d++) {
      const size = starts[d] as number;
      starts[d] = start;
      start += size;
    }
    for (let i = 0; i < count; i++) {
      const row = order[i] as number;
      const d = digits[row] as number;
      const at = starts[d] as number;
      spare[at] = row;
      starts[d] = at + 1;
    }
    [order, spare] = [spare, order];
  }
  return order;
};
