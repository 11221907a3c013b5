import { flightBatches } from './support/flights.ts';
import { caller, startBenchPlatform } from './support/platform.ts';
const N = Number(process.argv[2] ?? 300000);
const bench = await startBenchPlatform();
const batches = []; for await (const b of flightBatches(N, Number(process.argv[3] ?? 5000))) batches.push(b);
const t = performance.now(); let pend: Promise<unknown> = Promise.resolve();
for (const b of batches) { await pend; pend = bench.platform.publish({ source: 'flights', events: b }, caller); }
await pend; const s = (performance.now() - t) / 1000; console.log('publish', Math.round(N / s), '/s', 'rss', process.memoryUsage.rss() / 2 ** 20);
await bench.close();
