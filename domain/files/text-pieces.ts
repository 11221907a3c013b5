/** The bytes of a text file, in pieces; decompressed if they are gzip, whatever the file's name. */
import { HEAD_BYTES, kindOfBytes, WHY_NO_TEXT } from './file-kind.ts';
import { joined } from './utf8-text.ts';

type Pieces = AsyncIterable<Uint8Array>;

/** The first piece has at least the bytes that tell what the file is, if there are so many. */
async function* withHead(pieces: Pieces): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | null = new Uint8Array(0);
  for await (const piece of pieces) {
    if (head === null) yield piece;
    else {
      head = joined(head, piece);
      if (head.length < HEAD_BYTES) continue;
      yield head;
      head = null;
    }
  }
  if (head !== null) yield head;
}

async function* continued(first: Uint8Array, rest: AsyncGenerator<Uint8Array>) {
  yield first;
  yield* rest;
}

/**
 * @param gunzip fails where the gzip data is not complete
 * @param refuse ends the reading: throws an error; its text follows the file's name
 */
export async function* textPieces(
  pieces: Pieces,
  gunzip: (pieces: Pieces) => Pieces,
  refuse: (what: string) => never,
): AsyncGenerator<Uint8Array> {
  const all = withHead(pieces);
  const first = await all.next();
  if (first.done === true) return;
  const kind = kindOfBytes(first.value);
  if (kind !== null && kind !== 'gzip') refuse(WHY_NO_TEXT[kind]);
  const whole = continued(first.value, all);
  yield* kind === 'gzip' ? gunzip(whole) : whole;
}
