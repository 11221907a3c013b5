/**
 * Room for doubles in pieces of a larger buffer: a typed array with a buffer of its own costs an
 * allocation outside the heap and its release. What is given out is never given out again; a piece
 * is let go when nothing in it is in use.
 */
interface Room {
  readonly block: Float64Array;
  /** index in `block` where the room begins */
  readonly from: number;
}

const PIECE = 8_192;

export const doubleArena = (): ((length: number) => Room) => {
  let block = new Float64Array(0);
  let next = 0;
  return (length) => {
    if (length > PIECE / 4) return { block: new Float64Array(length), from: 0 };
    if (next + length > block.length) {
      block = new Float64Array(PIECE);
      next = 0;
    }
    const from = next;
    next += length;
    return { block, from };
  };
};
