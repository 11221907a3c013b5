/** OpenLineage, where it is configured. */
import type { Engine } from '#domain/ports/engine.ts';
import { type Lineage, openLineage } from '#projections/lineage/lineage.ts';
import type { PlatformDependencies } from './dependencies.ts';

/** @returns null: it is off */
export const openOwnLineage = async (
  { lineage, log, outboxLog = log, schemas, eventStore, now, warn }: PlatformDependencies,
  running: Engine['running'],
): Promise<Lineage | null> =>
  lineage === undefined
    ? null
    : openLineage({ ...lineage, log: outboxLog, schemas, eventStore, running, now, warn });
