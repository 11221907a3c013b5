/**
 * Orders items 0‥n−1 by group, and keeps their order within each: a counting sort whose arrays are
 * used again.
 */
export interface Grouping {
  /** an item of group −1 is left out */
  group(count: number, groupOf: (item: number) => number): void;
  items: Uint32Array;
  /** by group: where its items end in `items` */
  readonly ends: Int32Array;
  startOf(group: number): number;
}

export const grouping = (groups: number): Grouping => {
  const ends = new Int32Array(groups);
  let groupOfItem = new Int32Array(0);
  const made: Grouping = {
    items: new Uint32Array(0),
    ends,
    startOf: (group) => (group === 0 ? 0 : (ends[group - 1] as number)),
    group(count, groupOf) {
      if (groupOfItem.length < count) {
        groupOfItem = new Int32Array(count);
        made.items = new Uint32Array(count);
      }
      ends.fill(0);
      for (let i = 0; i < count; i++) {
        const group = groupOf(i);
        groupOfItem[i] = group;
        if (group >= 0) ends[group] = (ends[group] as number) + 1;
      }
      let start = 0;
      for (let g = 0; g < groups; g++) {
        const size = ends[g] as number;
        ends[g] = start;
        start += size;
      }
      const { items } = made;
      for (let i = 0; i < count; i++) {
        const group = groupOfItem[i] as number;
        if (group < 0) continue;
        const at = ends[group] as number;
        items[at] = i;
        ends[group] = at + 1;
      }
    },
  };
  return made;
};
