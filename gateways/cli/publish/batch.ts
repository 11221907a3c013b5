/** Groups events into requests, as JSON. The command never makes objects of them. */
import { type JsonBytes, putBytes, putRaw, reserve } from '#gateways/http/json-bytes.ts';

export interface Batch {
  /** the number of the first event in the producer's own count */
  readonly sequence: number;
  readonly count: number;
  /** body of the request: JSON, as text or in UTF-8 */
  readonly body: string | Uint8Array;
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

export const bodyText = ({ body }: Batch): string =>
  typeof body === 'string' ? body : utf8.decode(body);

/** A line of the file that is not an event: it has no number and is not sent. */
export interface BadLine {
  readonly line: number;
  readonly message: string;
}

export interface ReadOptions {
  /** number of events that the server already has */
  readonly skip: number;
  /** stop when the producer's count reaches this number */
  readonly limit: number;
  readonly onBadLine: (bad: BadLine) => void;
}

const MAX_EVENTS = 2_000;
/** In UTF-16 units, of at most three bytes each: always less than the server's 16 MiB. */
const MAX_CHARS = 4_000_000;
const MAX_BYTES = 4_000_000;

interface Batcher {
  /** The previous batch, if this event no longer fits into it; else null. */
  add(event: string): Batch | null;
  rest(): Batch | null;
}

export const createBatcher = (from: number): Batcher => {
  let sequence = from;
  let events: string[] = [];
  let chars = 0;
  const take = (): Batch => {
    const batch = { sequence, count: events.length, body: `{"events":[${events.join(',')}]}` };
    sequence += events.length;
    events = [];
    chars = 0;
    return batch;
  };
  return {
    add(event) {
      const full =
        events.length >= MAX_EVENTS || (events.length > 0 && chars + event.length > MAX_CHARS)
          ? take()
          : null;
      events.push(event);
      chars += event.length + 1;
      return full;
    },
    rest: () => (events.length === 0 ? null : take()),
  };
};

const BEGIN = '{"events":[';
const END = ']}';
const COMMA = 44;
const FIRST_BYTES = 256 * 1024;

export interface ByteBatcher {
  /**
   * Takes the next event, which `write` adds to the bytes.
   * @returns the previous batch, if this event no longer fits into it; else null
   */
  add(write: (out: JsonBytes) => void): Batch | null;
  rest(): Batch | null;
}

const begin = (size: number): JsonBytes => {
  const out = { bytes: Buffer.allocUnsafeSlow(size), at: 0, ascii: true };
  putRaw(out, BEGIN);
  return out;
};

export const createByteBatcher = (from: number): ByteBatcher => {
  let sequence = from;
  let count = 0;
  let out = begin(FIRST_BYTES);
  /** The batch of the events so far; the next one begins with the bytes that follow them. */
  const take = (end: number, next: Uint8Array): Batch => {
    const { bytes } = out;
    const after = begin(Math.max(bytes.length, FIRST_BYTES));
    putBytes(after, next);
    out.at = end;
    putRaw(out, END);
    const batch = { sequence, count, body: out.bytes.subarray(0, out.at) };
    sequence += count;
    out = after;
    count = next.length > 0 ? 1 : 0;
    return batch;
  };
  const NOTHING = new Uint8Array(0);
  return {
    add(write) {
      const end = out.at;
      reserve(out, 1);
      if (count > 0) out.bytes[out.at++] = COMMA;
      const start = out.at;
      write(out);
      if (count === 0 || (count < MAX_EVENTS && out.at <= MAX_BYTES)) {
        count++;
        return null;
      }
      return take(end, out.bytes.subarray(start, out.at));
    },
    rest: () => (count === 0 ? null : take(out.at, NOTHING)),
  };
};
