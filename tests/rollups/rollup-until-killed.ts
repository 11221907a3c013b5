/** A process that rolls a view up by hours until it is killed. Argument: the data directory. */
import { startEmbedded } from '#infra/profiles/embedded.ts';

const [dataDirectory = '', from = '0'] = process.argv.slice(2);
const platform = await startEmbedded({ dataDirectory, historyEveryMs: 0, warn: () => {} });
process.stdout.write('ready\n');
const { rows } = await platform.datasets.rollup(
  { view: 'totals', every: 'hour', from: Number(from) },
  { actor: 'test' },
);
process.stdout.write(`done ${rows}\n`);
await platform.close();
