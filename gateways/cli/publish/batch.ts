/** Events on their way to the server, as JSON texts: they are never objects on this side. */
export interface Batch {
  /** the number of the first event in the producer's own count */
  readonly sequence: number;
  readonly count: number;
  /** the request's body */
  readonly text: string;
}

/** Something of the file that is no event at all: it has no number and is not sent. */
export interface BadLine {
  readonly line: number;
  readonly message: string;
}

export interface ReadOptions {
  /** events that the server has already */
  readonly skip: number;
  /** stop once the producer's count is at this number */
  readonly limit: number;
  readonly onBadLine: (bad: BadLine) => void;
}

const MAX_EVENTS = 2_000;
/** in UTF-16 units: at most three bytes each, so always under the server's 16 MiB */
const MAX_CHARS = 4_000_000;

export interface Batcher {
  /** A full batch, where this event no longer fits into it. */
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
