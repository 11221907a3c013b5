/**
 * One TCP connection to the lookup server, reopened when it is lost. Requests have ids, and answers
 * come in any order. Requests on a lost connection fail at once; the next request connects again.
 */
import { connect, type Socket } from 'node:net';
import { fail, MillraceError } from '#domain/errors.ts';
import { CODES, frameWriter, HEAD, readText, type Writer } from './lookup-protocol.ts';

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** timeout of a request that has none of its own */
  readonly deadlineMs: number;
}

export interface Reply {
  readonly code: number;
  /** the whole answer: its body begins at HEAD */
  readonly body: ArrayBuffer;
}

export interface Connection {
  /** number of connections made: a handle is valid only on the one that opened it */
  readonly epoch: () => number;
  readonly call: (kind: number, write: (w: Writer) => void, deadlineMs?: number) => Promise<Reply>;
  readonly close: () => Promise<void>;
}

interface Pending {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
  readonly due: number;
}

const MAX_ANSWER = 1 << 30;
const SWEEP_MS = 50;

/** Splits chunks into frames, each in its own buffer, so that its floats are aligned. */
const frames = (emit: (frame: ArrayBuffer) => void): ((chunk: Buffer) => boolean) => {
  const head = Buffer.alloc(4);
  let headAt = 0;
  let body: Buffer | null = null;
  let at = 0;
  return (chunk) => {
    let from = 0;
    while (from < chunk.length) {
      if (body === null) {
        const taken = chunk.copy(head, headAt, from, from + 4 - headAt);
        headAt += taken;
        from += taken;
        if (headAt < 4) return true;
        const length = head.readUInt32LE(0);
        if (length < HEAD || length > MAX_ANSWER) return false;
        body = Buffer.from(new ArrayBuffer(length));
        at = 0;
        headAt = 0;
        continue;
      }
      const taken = chunk.copy(body, at, from);
      at += taken;
      from += taken;
      if (at === body.length) {
        emit(body.buffer as ArrayBuffer);
        body = null;
      }
    }
    return true;
  };
};

export const openConnection = ({ host, port, deadlineMs }: ConnectionOptions): Connection => {
  const where = `the lookup server at ${host}:${port}`;
  const pending = new Map<number, Pending>();
  let socket: Socket | null = null;
  let epoch = 0;
  let nextId = 0;
  let closed = false;
  let sweeper: NodeJS.Timeout | null = null;

  const down = (why: string): MillraceError =>
    new MillraceError('MR_STORE_UNAVAILABLE', `${where} ${why}`, { host, port });

  const lose = (lost: Socket, why: string): void => {
    if (socket !== lost) return;
    socket = null;
    lost.destroy();
    const waiting = [...pending.values()];
    pending.clear();
    for (const { reject } of waiting) reject(down(why));
  };

  const sweep = (): void => {
    const now = performance.now();
    for (const [id, { due, reject }] of pending)
      if (due <= now) {
        pending.delete(id);
        reject(down('did not answer in time'));
      }
    if (pending.size > 0) return;
    if (sweeper !== null) clearInterval(sweeper);
    sweeper = null;
    socket?.unref();
  };

  const dial = (): Socket => {
    const made = connect({ host, port, noDelay: true });
    epoch++;
    socket = made;
    const take = frames((frame) => {
      const view = new DataView(frame);
      const id = view.getUint32(4, true);
      const waiting = pending.get(id);
      if (waiting === undefined) return;
      pending.delete(id);
      waiting.resolve({ code: view.getUint8(0), body: frame });
    });
    made.on('data', (chunk) => {
      if (!take(chunk)) lose(made, 'sent what is no answer');
    });
    made.on('error', (error) => lose(made, `does not answer (${error.message})`));
    made.on('close', () => lose(made, 'closed the connection'));
    return made;
  };

  return {
    epoch: () => epoch,
    call(kind, write, within = deadlineMs) {
      if (closed) return Promise.reject(down('was closed by its client'));
      // An idle connection must not keep the process alive. Not called while it connects: each call
      // would add a listener.
      if (pending.size === 0) socket?.ref();
      const line = socket ?? dial();
      nextId = (nextId + 1) >>> 0;
      const id = nextId;
      const writer = frameWriter(kind, id);
      write(writer);
      sweeper ??= setInterval(sweep, SWEEP_MS);
      return new Promise<Reply>((resolve, reject) => {
        pending.set(id, { resolve, reject, due: performance.now() + within });
        // Requests of one turn of the event loop are sent together.
        if (line.writableCorked === 0) {
          line.cork();
          process.nextTick(() => line.uncork());
        }
        line.write(writer.frame());
      });
    },
    async close() {
      closed = true;
      if (sweeper !== null) clearInterval(sweeper);
      if (socket !== null) lose(socket, 'was closed by its client');
    },
  };
};

/** An answer that is not OK, as its error. */
export const refuse = (code: number, body: ArrayBuffer): never =>
  fail(CODES[code] ?? 'MR_STORAGE_FAILED', `the lookup server: ${readText(body, HEAD)}`);
