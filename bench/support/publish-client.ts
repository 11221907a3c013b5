/**
 * Sends flights over HTTP in batches of 500 with four requests in flight, and reports the seconds
 * it took.
 */
import { flightBatches } from './flights.ts';

const [url, count] = [process.argv[2] as string, Number(process.argv[3])];
const bodies: string[] = [];
for await (const batch of flightBatches(count, 500)) bodies.push(JSON.stringify({ events: batch }));

const started = performance.now();
let next = 0;
const send = async (): Promise<void> => {
  while (next < bodies.length) {
    const body = bodies[next++] as string;
    const response = await fetch(`${url}/v1/sources/flights/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  }
};
await Promise.all([send(), send(), send(), send()]);
process.send?.((performance.now() - started) / 1000, () => process.exit(0));
