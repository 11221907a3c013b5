/**
 * Batch scores: the values of every entity at one time, as a file. At the present time they come
 * from the tiles, if these are in this process and have them; otherwise from the raw events, as a
 * training set.
 */
import type { Datasets } from '#domain/api/datasets.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import { spineOfValues, TIME_COLUMN } from '#domain/training-sets/spine-of-values.ts';
import { formatTime } from '#domain/values/time.ts';
import { type BeginBuild, requesterOf } from './begin-build.ts';
import { type Computing, entitiesOf, type RowsOfSource } from './entities.ts';
import type { Prepared } from './named-datasets.ts';
import type { Pins } from './pin-target.ts';
import { type PresentValues, presentValues } from './present-values.ts';

interface BatchDependencies {
  readonly pin: Pins['pin'];
  readonly begin: BeginBuild;
  readonly engine: { readonly generation: Computing };
  readonly rowsAt: RowsOfSource;
  /** a time such that every later append gets a later log time, epoch ms */
  readonly readTime: () => number;
  /** the default time, epoch ms */
  readonly presentTime: () => number;
}

export const createBatch = ({
  pin,
  begin,
  engine,
  rowsAt,
  readTime,
  presentTime,
}: BatchDependencies): Datasets['batch'] => {
  const nothing = (at: number): never =>
    fail('MR_REFUSED', `no entity exists at ${formatTime(at)}, so there is nothing to score`);

  return async ({ target, at: wanted, out, overwrite, withStatus = false }, caller) => {
    const at = wanted ?? presentTime();
    const pinned = pin(target);
    const request = {
      target,
      out,
      mode: 'event-time',
      withStatus,
      ...(overwrite === undefined ? {} : { overwrite }),
    } as const;
    const fromTiles = (present: PresentValues, known: number): Prepared => ({
      request: { ...request, known, spine: { rows: [] } },
      pinned,
      naming: null,
      present,
    });
    const fromEvents = async (): Promise<Prepared> => {
      const entities = await entitiesOf(pinned.views, at, engine.generation, rowsAt);
      if (entities.length === 0) return nothing(at);
      const rows = entities.map((entity) => ({ ...entity, [TIME_COLUMN]: at }));
      const spine = { rows: spineOfValues(pinned.target, rows) };
      return { request: { ...request, spine }, pinned, naming: null };
    };
    // No event comes between the two, so the tiles have what is known at that time.
    const known = readTime();
    const present = presentValues(pinned, { at, withStatus }, engine.generation);
    try {
      if (present?.rows === 0) return nothing(at);
      const prepared = present === null ? await fromEvents() : fromTiles(present, known);
      const { done } = await begin(prepared, requesterOf('batch', caller), caller);
      const { status } = await done;
      if (status.error !== null)
        throw new MillraceError(status.error.code, status.error.message, status.error.details);
      return { rows: status.rows ?? 0, out: status.out };
    } finally {
      present?.end();
    }
  };
};
