/** A bare connection: sends and collects bytes, and reports whether it was closed. */
import { connect, type Socket } from 'node:net';

export interface Bare {
  readonly socket: Socket;
  readonly write: (data: string | Buffer) => void;
  readonly text: () => string;
  /** resolves when the other side has ended or cut the connection */
  readonly closed: Promise<void>;
  /** resolves once the received bytes include this */
  readonly until: (holds: (text: string) => boolean) => Promise<string>;
}

export const bare = (url: string): Promise<Bare> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    let text = '';
    const waiting = new Set<() => void>();
    const wake = (): void => {
      for (const look of [...waiting]) look();
    };
    const socket = connect(Number(port), hostname);
    const closed = new Promise<void>((done) => socket.once('close', () => done()));
    socket.once('error', reject);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      wake();
    });
    socket.on('close', wake);
    socket.once('connect', () =>
      resolve({
        socket,
        write: (data) => void (socket.writable && socket.write(data)),
        text: () => text,
        closed,
        until: (holds) =>
          new Promise((done) => {
            const look = (): void => {
              if (!holds(text) && !socket.destroyed) return;
              waiting.delete(look);
              done(text);
            };
            waiting.add(look);
            look();
          }),
      }),
    );
  });

/** The status and the body of the first answer in the received bytes. */
export const answerIn = (text: string): { status: number; body: unknown } | null => {
  const end = text.indexOf('\r\n\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
  if (end < 0 || status === 0) return null;
  const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
  if (text.length < end + 4 + length) return null;
  try {
    return {
      status,
      body: JSON.parse(
        Buffer.from(text.slice(end + 4, end + 4 + length), 'latin1').toString('utf8'),
      ),
    };
  } catch {
    return { status, body: undefined };
  }
};

export const answered = (text: string): boolean => answerIn(text) !== null;

export const post = (path: string, body: string | Buffer, more: readonly string[] = []): Buffer =>
  Buffer.concat([
    Buffer.from(
      `${[
        `POST ${path} HTTP/1.1`,
        'host: x',
        'content-type: application/json',
        `content-length: ${Buffer.byteLength(body)}`,
        ...more,
      ].join('\r\n')}\r\n\r\n`,
    ),
    Buffer.from(body),
  ]);
