/** Runs the drill of docs/guides/stack-operator.md as it is written, except for paths and ports. */
import { rmSync } from 'node:fs';
import { drillOf, runDrill } from '#tests/support/drill.ts';
import { freePort } from '#tests/support/free-port.ts';
import { addresses } from '../support/addresses.ts';

/** The gateway that the page says runs, and its end. */
const around = (script: string): string => `
npx millrace serve --profile stack &
gateway=$!
trap 'kill $gateway 2> /dev/null || true; wait $gateway || true' EXIT
until npx millrace status > /dev/null 2>&1; do sleep 1; done
${script}`;

export const runStackDrill = async (directory: string): ReturnType<typeof runDrill> => {
  const { directory: servers } = addresses();
  const base = process.env.MILLRACE_STACK_BASE_PORT;
  const port = await freePort();
  const script = around(drillOf('stack-operator'))
    .replaceAll('.millrace-stack', servers)
    .replaceAll('millrace stack down', `millrace stack down --data ${servers}`)
    .replaceAll('millrace stack up', `millrace stack up --data ${servers} --base-port ${base}`)
    .replaceAll('--profile stack', `--profile stack --stack ${servers} --stack-port ${base}`)
    .replaceAll('millrace serve', `millrace serve --port ${port}`);
  try {
    return await runDrill(script, directory, { MILLRACE_URL: `http://127.0.0.1:${port}` });
  } finally {
    rmSync(`${servers}.before`, { recursive: true, force: true });
  }
};
