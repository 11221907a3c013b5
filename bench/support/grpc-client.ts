/**
 * One connection with a number of calls in flight for some seconds; each call is sent again as soon
 * as it is answered. Streaming: a number of messages in flight on one call. On a bare socket,
 * because on two cores a heavier client would be part of the measurement: the head of a call is six
 * bytes.
 */

import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GrpcLoadOptions } from './grpc-load.ts';
import * as h2 from './h2-frames.ts';

const { address, path, bodies, seconds, inFlight, streaming } = await new Promise<GrpcLoadOptions>(
  (resolve) => process.once('message', (options) => resolve(options as GrpcLoadOptions)),
);
const messages = bodies.map((body) => h2.message(body));
const [host, port] = address.split(':') as [string, string];
const headOf = h2.callHeads(streaming ? `${path}Stream` : path, address);

const latencies: number[] = [];
let errors = 0;
let total = 0;
let counting = false;
let running = true;
let turn = 0;
let nextStream = 1;
/**
 * by stream: when its call was sent, and the bytes of its answer; streaming: when each message in
 * flight was sent
 */
const calls = new Map<number, { readonly sent: number; bytes: number }>();
const sentAt: number[] = [];
/** bytes that the server accepts now; streaming counts its one stream too */
let window = 65_535;
let streamWindow = 65_535;
let out: Buffer[] = [];
let taken = 0;
let partial: Buffer = Buffer.alloc(0);
/** what is sent when the server accepts more */
let owed = 0;

const socket = connect(Number(port), host);
socket.setNoDelay(true);
const flush = (): void => {
  if (out.length > 0) socket.write(out.length === 1 ? (out[0] as Buffer) : Buffer.concat(out));
  out = [];
};

const send = (): void => {
  const body = messages[turn % messages.length] as Buffer;
  if (window < body.length || (streaming && streamWindow < body.length)) return void owed++;
  turn++;
  window -= body.length;
  if (streaming) {
    streamWindow -= body.length;
    if (nextStream === 1) out.push(headOf(nextStream++));
    out.push(h2.frame(h2.DATA, 0, 1, body));
    sentAt.push(performance.now());
    return;
  }
  const stream = nextStream;
  nextStream += 2;
  calls.set(stream, { sent: performance.now(), bytes: 0 });
  out.push(headOf(stream), h2.frame(h2.DATA, h2.END_STREAM, stream, body));
};

const answered = (sent: number): void => {
  total++;
  if (counting) latencies.push(performance.now() - sent);
  if (running) send();
};

const ended = (stream: number): void => {
  if (streaming) {
    if (running) errors++;
    return;
  }
  const call = calls.get(stream);
  if (call === undefined) return;
  calls.delete(stream);
  // A call that failed has no message.
  if (call.bytes <= 5) errors++;
  answered(call.sent);
};

const takeMessages = (payload: Buffer): void => {
  partial = partial.length === 0 ? payload : Buffer.concat([partial, payload]);
  while (partial.length >= 5) {
    const size = 5 + partial.readUInt32BE(1);
    if (partial.length < size) return;
    partial = partial.subarray(size);
    answered(sentAt.shift() as number);
  }
};

const MUCH = 2 ** 24;
const read = h2.frameReader((type, flags, stream, payload) => {
  switch (type) {
    case h2.DATA: {
      taken += payload.length;
      const call = calls.get(stream);
      if (call !== undefined) call.bytes += payload.length;
      if (streaming) takeMessages(payload);
      if (taken > MUCH) {
        out.push(h2.windowUpdate(0, taken));
        if (streaming) out.push(h2.windowUpdate(stream, taken));
        taken = 0;
      }
      break;
    }
    case h2.SETTINGS:
      if ((flags & h2.ACK) === 0) out.push(h2.frame(h2.SETTINGS, h2.ACK, 0, Buffer.alloc(0)));
      return;
    case h2.PING:
      if ((flags & h2.ACK) === 0) out.push(h2.frame(h2.PING, h2.ACK, 0, payload));
      return;
    case h2.WINDOW_UPDATE: {
      const more = payload.readUInt32BE(0);
      if (stream === 0) window += more;
      else if (streaming) streamWindow += more;
      const again = owed;
      owed = 0;
      for (let i = 0; i < again; i++) send();
      return;
    }
    case h2.RST_STREAM:
      return ended(stream);
    case h2.GOAWAY:
      errors++;
      return;
  }
  if ((type === h2.DATA || type === h2.HEADERS) && (flags & h2.END_STREAM) !== 0) ended(stream);
});
socket.on('data', (chunk) => {
  read(chunk);
  flush();
});
socket.on('error', () => {
  errors++;
});
await new Promise((resolve) => socket.once('connect', resolve));
socket.write(h2.preface());
for (let i = 0; i < inFlight; i++) send();
flush();
await sleep(1500);
counting = true;
const started = performance.now();
await sleep(seconds * 1000);
counting = false;
const took = (performance.now() - started) / 1000;
running = false;
socket.destroy();
latencies.sort((a, b) => a - b);
const at = (p: number): number => latencies[Math.floor(latencies.length * p)] ?? Number.NaN;
process.send?.(
  { requests: latencies.length / took, answered: total, p50: at(0.5), p99: at(0.99), errors },
  () => process.exit(0),
);
