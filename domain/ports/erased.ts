/** The erased offsets of [from, below) of a partition, in their order. */
export type ErasedOffsets = (
  topic: string,
  partition: number,
  from: number,
  below: number,
) => readonly number[];
