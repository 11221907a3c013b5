/** Rollups of the generation that is live. */
import type { Rollup } from '#application/dependencies.ts';
import { fail } from '#domain/errors.ts';
import type { FlinkGeneration } from '#infra/flink/generation.ts';
import { type RollupOptions, rollUp } from '#infra/flink/rollup.ts';

export const stackRollup =
  (
    options: RollupOptions,
    generationOf: (view: string, generation: number) => FlinkGeneration | null,
  ): Rollup =>
  (request, { spec }) => {
    const generation = generationOf(request.view, spec.generation);
    if (generation === null)
      return fail('MR_VIEW_NOT_READY', `no generation of "${request.view}" is live yet`);
    return rollUp(options, generation, request);
  };
