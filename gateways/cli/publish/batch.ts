/** Groups events into requests, as JSON texts. The command never makes objects of them. */
export interface Batch {
  /** the number of the first event in the producer's own count */
  readonly sequence: number;
  readonly count: number;
  /** body of the request */
  readonly text: string;
}

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
    const batch = { sequence, count: events.length, text: `{"events":[${events.join(',')}]}` };
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
