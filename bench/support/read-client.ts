/**
 * Connections post bodies in turn for some seconds, each as soon as the previous answer came, or
 * all together at a given rate. Reports requests per second and latencies, at a given rate from the
 * time a request was due. On bare sockets, because on two cores a heavier client would be part of
 * the measurement.
 */

import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadOptions } from './read-load.ts';

const {
  urls: addresses,
  bodies,
  seconds,
  rate,
  connections,
  headers = {},
} = await new Promise<LoadOptions>((resolve) =>
  process.once('message', (options) => resolve(options as LoadOptions)),
);
const urls = addresses.map((address) => new URL(address));
const more = Object.entries(headers)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('');
const requestsOf = urls.map((url) =>
  bodies.map((body) =>
    Buffer.from(
      `POST ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/json\r\n${more}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    ),
  ),
);
const latencies: number[] = [];
let errors = 0;
let answered = 0;
let counting = false;
let running = true;

const begun = performance.now();
const run = (_: unknown, index: number): Promise<void> =>
  new Promise((resolve) => {
    const url = urls[index % urls.length] as URL;
    const requests = requestsOf[index % urls.length] as Buffer[];
    const socket = connect(Number(url.port), url.hostname);
    socket.setNoDelay(true);
    let sent = 0;
    let missing = 0;
    let turn = index;
    let head = '';
    let due = begun + (index * 1000) / rate;
    const next = (): void => {
      if (rate === 0) return send(performance.now());
      due += (connections * 1000) / rate;
      const wait = due - performance.now();
      if (wait > 0) setTimeout(send, wait, due);
      else send(due);
    };
    const send = (at: number): void => {
      if (!running) return void socket.end(() => resolve());
      sent = at;
      head = '';
      missing = -1;
      socket.write(requests[turn++ % requests.length] as Buffer);
    };
    socket.on('connect', next);
    socket.on('error', () => {
      errors++;
      resolve();
    });
    socket.on('data', (chunk: Buffer) => {
      if (missing < 0) {
        head += chunk.toString('latin1');
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        if (!head.startsWith('HTTP/1.1 2')) errors++;
        missing = Number(/content-length: (\d+)/i.exec(head)?.[1]) + end + 4 - head.length;
      } else missing -= chunk.length;
      if (missing > 0) return;
      answered++;
      if (counting) latencies.push(performance.now() - sent);
      next();
    });
  });

const all = Array.from({ length: connections }, run);
await sleep(1500);
counting = true;
const started = performance.now();
await sleep(seconds * 1000);
counting = false;
const took = (performance.now() - started) / 1000;
running = false;
await Promise.all(all);
latencies.sort((a, b) => a - b);
const at = (p: number): number => latencies[Math.floor(latencies.length * p)] ?? Number.NaN;
const answer = { requests: latencies.length / took, answered, p50: at(0.5), p99: at(0.99), errors };
process.send?.(answer, () => process.exit(0));
