import type { Command } from 'commander';
import type { FeatureLogRow } from '#domain/feature-log/feature-log-record.ts';
import { path, query } from '../client.ts';
import { contextOf } from '../context.ts';
import { entityText, facts, show, showTime, table } from '../table.ts';

const rowText = (row: FeatureLogRow): string =>
  [
    facts([
      ['request', `${row.requestId}, row ${row.row + 1} of ${row.rows}`],
      ['caller', row.actor],
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
        `${view} version ${version}, generation ${generation}, events up to ${position}`,
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
  else print(rows.map(rowText).join('\n\n'));
};

export const addServed = (program: Command): void => {
  program
    .command('served')
    .description(
      'show the logged answer of a service to one request (the service must log its answers)',
    )
    .argument('<service>', 'name of the service')
    .requiredOption(
      '--request-id <id>',
      'id of the request, from the header x-request-id of its answer',
    )
    .addHelpText('after', '\nExample:\n  millrace served delay_model --request-id 6f9a2c11-42')
    .action(served);
};
