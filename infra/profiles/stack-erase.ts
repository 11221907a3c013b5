/**
 * `millrace erase --profile stack`: removes what a stack of this machine knows about one entity
 * (docs/decisions/0059-stack-erasure.md). No gateway may run on it.
 *
 *   1. the request is stored: gateways do not start until the erasure has ended
 *   2. all servers but the database and the schema registry are stopped
 *   3. what has the entity is found, and stored: answers, data sets
 *   4. Kafka's files and the history's are written anew without it
 *   5. what the servers compute from these, and can have it, is removed: state of Flink's jobs,
 *      Paimon's tables, Redis
 *   6. the servers are started, and compute it again; views of others that had counted its events
 *      are replayed without them
 *
 * Each step can be run again, so an erasure that was killed is finished by the next one.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { closingAfter, type Opened } from '#domain/closing.ts';
import type { ErasureCertificate } from '#domain/erasure/certificate.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import type { WantedErasure } from '#domain/ports/erasure-runner.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import { lockStack } from '#infra/stack/lock.ts';
import { openStack } from '#infra/stack/stack.ts';
import { othersOf, refuseUnsigned } from './erase-others.ts';
import { digestOf } from './erase-scope.ts';
import { touchedViews } from './stack-erase-derived.ts';
import { fillAgain, setBackProgress } from './stack-erase-fill.ts';
import { erasureNotes } from './stack-erase-notes.ts';
import type { EraseStackOptions } from './stack-erase-options.ts';
import { type ErasedRegistry, openErasedRegistry } from './stack-erase-registry.ts';
import { stackErasureRequests } from './stack-erase-requests.ts';
import { startForErasure } from './stack-erase-servers.ts';
import { type ErasureRun, eraseFromStores } from './stack-erase-stores.ts';
import { stackDirectories } from './stack-stores.ts';

const eraseIn = async (run: ErasureRun): Promise<ErasureCertificate> => {
  const { options, addresses, registry, erasure, now, onProgress } = run;
  const { onStep = () => {}, auditAnchor, auditKey, stuckAfterMs, settings } = options;
  const { jobs, ...erased } = await eraseFromStores(run);
  onProgress('starting the servers');
  await startForErasure(run.stack);
  await setBackProgress(addresses, jobs, registry.definitions);
  onStep('started');
  const { recomputed, remains } = await fillAgain({
    ...{ addresses, erasure, auditAnchor, auditKey, onProgress },
    isInText: registry.entity.isInText,
    views: touchedViews(registry.entity),
    others: othersOf(registry.entity.scope, erased.removed.records),
    ...(stuckAfterMs === undefined ? {} : { stuckAfterMs }),
    ...(settings === undefined ? {} : { settings }),
  });
  onStep('end');
  return {
    ...erased,
    ended: new Date(now()).toISOString(),
    recomputed,
    remains: [...remains, ...erased.remains],
  };
};

const DIGEST_IN_ID = 16;

/**
 * Stores the request, which keeps gateways away.
 * @returns its id
 * @throws MR_DATA_DIR_LOCKED, MR_REFUSED
 */
const begin = async (
  addresses: StackAddresses,
  registry: ErasedRegistry,
  erasure: string,
  wanted: WantedErasure,
): Promise<string> => {
  const requests = stackErasureRequests(addresses);
  requests.removeUnfinished();
  const id = `${erasure.slice(0, DIGEST_IN_ID)}-1`;
  const running = requests.running();
  const other = running.find((one) => one !== id);
  if (other !== undefined)
    throw new MillraceError(
      'MR_REFUSED',
      `Erasure ${other}, of another entity, has not ended: run \`millrace erase --profile stack\` without --entity first, which finishes it.`,
      { id: other },
    );
  requests.begin(id, wanted);
  try {
    await registry.assertNoGateway();
  } catch (error) {
    if (!running.includes(id)) requests.forgetEnded(id);
    throw error;
  }
  return id;
};

const eraseLocked = async (
  options: EraseStackOptions,
  opened: Opened,
): Promise<ErasureCertificate> => {
  const { directory, basePort, entity, reason, now = Date.now } = options;
  const { onProgress = () => {}, onStep = () => {} } = options;
  opened(lockStack(directory, 'erase'));
  const place = basePort === undefined ? { directory } : { directory, basePort };
  const stack = openStack({ ...place, isLocked: true });
  const { addresses } = stack;
  onProgress('database and schema registry');
  await startForErasure(stack, ['mariadb', 'registry']);
  const registry = await openErasedRegistry(addresses, entity, opened);
  const duckDb = await openDuckDb({ memoryLimit: '512MB' });
  opened(() => duckDb.close());
  const connection = await duckDb.connect();
  opened(() => connection.closeSync());
  const { scope, isInText } = registry.entity;
  if (isInText(reason))
    fail('MR_BODY_INVALID', 'the reason names the entity, and the certificate must not');
  if (scope.otherViews.size > 0 && options.auditKey === undefined && (await registry.isSigned()))
    refuseUnsigned();
  const erasure = digestOf(registry.platform, scope);
  const id = await begin(addresses, registry, erasure, { entity, reason });
  onStep('request');
  const certificate = await eraseIn({
    ...{ options, stack, addresses, registry, connection, erasure, now, onProgress },
    notes: erasureNotes(join(addresses.directory, 'erasures')),
    root: stackDirectories(addresses).iceberg,
  });
  stackErasureRequests(addresses).end(id, { certificate, signature: null });
  return certificate;
};

/**
 * @throws MR_ENTITY_INVALID, MR_REASON_REQUIRED, MR_NOT_FOUND; MR_STACK_FAILED while another
 * process starts or stops the servers; MR_DATA_DIR_LOCKED while a gateway runs; MR_REFUSED where
 * another erasure has not ended, or the audit log is signed, and views of others may be replayed
 * without its key
 */
export const eraseStack = async (options: EraseStackOptions): Promise<ErasureCertificate> => {
  const { directory, reason } = options;
  if (reason.trim() === '') fail('MR_REASON_REQUIRED', 'an erasure needs a reason: give --reason');
  if (!existsSync(join(directory, 'stack.json')))
    fail(
      'MR_NOT_FOUND',
      `${directory} is no directory of a stack: \`millrace stack up\` makes one.`,
    );
  return closingAfter((opened) => eraseLocked(options, opened));
};
