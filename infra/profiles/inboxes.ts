/**
 * The workers that take in what producers write straight to Kafka: one a source, sharing its inbox
 * with those of other processes.
 */
import { createInboxScreen } from '#commands/publish/inbox.ts';
import { openSourceIntake } from '#commands/publish/source-intake.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { Log } from '#domain/ports/log.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { inboxTopic } from '#domain/ports/topics.ts';
import { type Intake, kafkaIntake } from '#infra/kafka/intake.ts';
import type { KafkaAddress } from '#infra/kafka/wire/address.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';

export interface Inboxes {
  /** One worker for every source that there is, screening by its newest version. */
  readonly follow: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export const openInboxes = (
  kafka: KafkaAddress,
  catalog: Catalog,
  dependencies: { readonly log: Log; readonly schemas: SchemaRegistry; readonly now: () => number },
): Inboxes => {
  const open = new Map<string, { readonly intake: Intake; version: number }>();
  const newest = (name: string): number =>
    catalog.stream('source', name)?.state.versions.at(-1)?.version ?? 0;

  const start = async (definition: SourceDefinition): Promise<void> => {
    const { name, partitions = 1 } = definition;
    await dependencies.log.createTopic(inboxTopic(name), { partitions });
    const intake = kafkaIntake({
      ...kafka,
      group: `inbox.${name}`,
      topic: inboxTopic(name),
      openScreen: async () => {
        const now = catalog.definition('source', name) ?? definition;
        return createInboxScreen(
          await openSourceIntake(now, newest(name), dependencies, null),
          dependencies,
        );
      },
    });
    open.set(name, { intake, version: newest(name) });
  };

  return {
    async follow() {
      for (const { name } of catalog.streams('source')) {
        const definition = catalog.definition('source', name);
        if (definition === null) continue;
        const known = open.get(name);
        if (known === undefined) await start(definition);
        else if (known.version !== newest(name)) {
          known.version = newest(name);
          known.intake.refresh();
        }
      }
    },
    close: async () =>
      void (await Promise.all([...open.values()].map(({ intake }) => intake.close()))),
  };
};
