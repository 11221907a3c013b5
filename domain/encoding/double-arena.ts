/**
 * Allocates doubles from larger buffers, because a typed array with its own buffer costs an
 * allocation and a release outside the heap. Memory is handed out only once; a buffer is garbage
 * when no part of it is in use.
 */
interface Room {
  readonly block: Float64Array;
  /** index in `block` of the first double */
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
