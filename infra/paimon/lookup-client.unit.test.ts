/**
 * The client against a server of a few lines: torn frames, answers out of order, deadlines, lost
 * connections.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connectLookup, type LookupClient } from './lookup-client.ts';
import { frameWriter, HEAD, KINDS, type Writer } from './lookup-protocol.ts';

type Respond = (code: number, id: number, write: (w: Writer) => void) => Buffer;
type Handler = (kind: number, id: number, body: Buffer, respond: Respond, socket: Socket) => void;

const respond: Respond = (code, id, write) => {
  const w = frameWriter(code, id);
  write(w);
  return w.frame();
};

const closers: (() => unknown)[] = [];

const serve = async (handle: Handler): Promise<{ readonly port: number }> => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let waiting = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      waiting = Buffer.concat([waiting, chunk]);
      while (waiting.length >= 4 && waiting.length >= 4 + waiting.readUInt32LE(0)) {
        const end = 4 + waiting.readUInt32LE(0);
        handle(
          waiting.readUInt8(4),
          waiting.readUInt32LE(8),
          waiting.subarray(4 + HEAD, end),
          respond,
          socket,
        );
        waiting = waiting.subarray(end);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port };
};

const client = (port: number, deadlineMs = 2000): LookupClient => {
  const made = connectLookup({ host: '127.0.0.1', port, deadlineMs });
  closers.push(made.close);
  return made;
};

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const DESCRIPTION = JSON.stringify({
  keys: [{ name: 'key_user', type: 'STRING NOT NULL' }],
  columns: [],
  tiled: true,
  buckets: 1,
});
const HOPS = [
  { hopMs: 60_000, nums: ['n'], refs: ['texts'] },
  { hopMs: 0, nums: [], refs: [] },
];
const RANGES = [
  { from: 0, to: 60_000 },
  { from: 0, to: 0 },
];

const opened = (w: Writer, handle: number): void => {
  w.u32(handle);
  w.u32(0);
  w.f64(7);
  w.f64(1000);
  w.text(DESCRIPTION);
};

/**
 * One entity: two tiles of the first hop, the second's references longer, and none of the second
 * hop.
 */
const found = (w: Writer, snapshot: number): void => {
  w.f64(snapshot);
  w.f64(1000);
  for (const n of [1, 2, 2, 0]) w.u32(n);
  for (const n of [0, 1, 2, 3, 4.5, 60_000, 60_001, 2, 9, Number.NaN]) w.f64(n);
  const texts = ['[["a"]]', '[["é","b"]]'].map((t) => Buffer.from(t));
  for (const text of texts) w.u32(text.length);
  for (const text of texts) for (const byte of text) w.u8(byte);
};

const ordinary: Handler = (kind, id, _body, answer, socket) => {
  socket.write(
    kind === KINDS.open ? answer(0, id, (w) => opened(w, 5)) : answer(0, id, (w) => found(w, id)),
  );
};

describe('the lookup client', () => {
  it('reads floats in place and references at the first use, from frames split anywhere', async () => {
    const { port } = await serve((kind, id, _body, answer, socket) => {
      const bytes =
        kind === KINDS.open
          ? answer(0, id, (w) => opened(w, 5))
          : answer(0, id, (w) => found(w, 8));
      for (const byte of bytes) socket.write(Buffer.from([byte]));
    });
    const table = await client(port).open('t', HOPS);
    expect(table?.description.keys[0]?.name).toBe('key_user');
    const answer = await table?.lookup({ entities: [['u']], ranges: RANGES });
    const tiles = answer?.tiles(0, 0);
    expect(tiles).toMatchObject({ count: 2, width: 5 });
    expect([...(tiles?.data ?? [])]).toEqual([0, 1, 2, 3, 4.5, 60_000, 60_001, 2, 9, Number.NaN]);
    expect([tiles?.refs(0), tiles?.refs(1)]).toEqual([[['a']], [['é', 'b']]]);
    expect(answer?.tiles(0, 1).count).toBe(0);
    expect(answer?.snapshotId).toBe(8);
  });

  it('matches answers to requests in whatever order they come', async () => {
    const held: (() => void)[] = [];
    const { port } = await serve((kind, id, body, answer, socket) => {
      if (kind === KINDS.open) return ordinary(kind, id, body, answer, socket);
      const user = body.subarray(-1).toString();
      held.push(() => socket.write(answer(0, id, (w) => found(w, Number(user)))));
      if (held.length === 5) for (const send of held.reverse()) send();
    });
    const table = await client(port).open('t', HOPS);
    const answers = await Promise.all(
      ['1', '2', '3', '4', '5'].map((user) =>
        table?.lookup({ entities: [[user]], ranges: RANGES }),
      ),
    );
    expect(answers.map((a) => a?.snapshotId)).toEqual([1, 2, 3, 4, 5]);
  });

  it('says that the store is unavailable where the server does not answer, or not in time', async () => {
    const { port } = await serve(() => {});
    await expect(client(port, 100).status()).rejects.toMatchObject({
      code: 'MR_STORE_UNAVAILABLE',
    });
    await expect(client(1).status()).rejects.toMatchObject({ code: 'MR_STORE_UNAVAILABLE' });
  });

  it('fails requests under way when the connection is lost, then connects and opens its tables again', async () => {
    let lookups = 0;
    let opens = 0;
    const { port } = await serve((kind, id, body, answer, socket) => {
      const handle = kind === KINDS.lookup ? body.readUInt32LE(0) : -1;
      if (kind === KINDS.open) socket.write(answer(0, id, (w) => opened(w, 100 * ++opens)));
      else if (++lookups === 2) socket.destroy();
      else if (handle !== 100 * opens) socket.write(answer(7, id, (w) => w.text('no such handle')));
      else socket.write(answer(0, id, (w) => found(w, handle)));
    });
    const table = await client(port).open('t', HOPS);
    const ask = (): Promise<number | undefined> =>
      (table?.lookup({ entities: [['u']], ranges: RANGES }) ?? Promise.reject()).then(
        (a) => a.snapshotId,
      );
    expect(await ask()).toBe(100);
    await expect(ask()).rejects.toMatchObject({ code: 'MR_STORE_UNAVAILABLE' });
    opens = 4;
    expect(await ask()).toBe(500);
    expect(opens).toBe(5);
  });

  it('distinguishes an absent table from a deleted one, and passes errors on with their code', async () => {
    let gone = false;
    const { port } = await serve((kind, id, body, answer, socket) => {
      const table = body.subarray(4, 4 + body.readUInt32LE(0)).toString();
      if (kind === KINDS.open && (gone || table === 'none'))
        socket.write(answer(1, id, (w) => w.text('there is no table')));
      else if (kind === KINDS.lookupAt)
        socket.write(answer(3, id, (w) => w.text('snapshot 1 is not kept: 5 to 9 are')));
      else if (kind === KINDS.lookup && gone)
        socket.write(answer(7, id, (w) => w.text('no longer there')));
      else ordinary(kind, id, body, answer, socket);
    });
    const lookup = client(port);
    expect(await lookup.open('none', HOPS)).toBeNull();
    const table = await lookup.open('t', HOPS);
    const past = table?.lookup({ entities: [['u']], ranges: RANGES, at: { snapshot: 1 } });
    await expect(past).rejects.toMatchObject({
      code: 'MR_NOT_FOUND',
      message: expect.stringContaining('5 to 9'),
    });
    await expect(table?.lookup({ entities: [['u']], ranges: [] })).rejects.toMatchObject({
      code: 'MR_REQUEST_INVALID',
    });
    gone = true;
    await expect(table?.lookup({ entities: [['u']], ranges: RANGES })).rejects.toMatchObject({
      code: 'MR_NOT_FOUND',
    });
  });
});
