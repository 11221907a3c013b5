import type { Command } from 'commander';
import type { FeatureLogRow } from '#domain/feature-log/feature-log-record.ts';
import { path, query } from '../client.ts';
import { contextOf } from '../context.ts';
import { entityText, facts, show, showTime, table } from '../table.ts';

const told = (row: FeatureLogRow): string =>
  [
    facts([
      ['request', `${row.requestId}, row ${row.row + 1} of ${row.rows}`],
      ['asked by', row.actor],
      ['entity', entityText(row.entity)],
      ...(Object.keys(row.request).length === 0
        ? []
        : ([['inputs', entityText(row.request)]] as const)),
      ['at', showTime(row.at)],
      ['known', showTime(row.known)],
      ['logged', `${showTime(row.logTime)}, ${row.position}`],
    ]),
    table(
      ['feature', 'value', 'status'],
      Object.keys(row.status).map((name) => [name, show(row.values[name]), row.status[name]]),
    ),
    ...row.views.map(
      ({ view, version, generation, position }) =>
        `${view} version ${version}, generation ${generation}, read up to ${position}`,
    ),
  ].join('\n');

const served = async (
  service: string,
  { requestId }: { requestId: string },
  command: Command,
): Promise<void> => {
  const { client, json, records, print } = contextOf(command);
  const rows = await client.get<readonly FeatureLogRow[]>(
    `${path('v1', 'services', service, 'served')}${query({ request: requestId })}`,
  );
  if (json) records(rows);
  else print(rows.map(told).join('\n\n'));
};

export const addServed = (program: Command): void => {
  program
    .command('served')
    .description('what a logged service answered to a request')
    .argument('<service>')
    .requiredOption(
      '--request-id <id>',
      "the request's id, as the answer's header x-request-id gave it",
    )
    .addHelpText('after', '\nExample:\n  millrace served delay_model --request-id 6f9a2c11-42')
    .action(served);
};
