/**
 * The engines' contract over Flink: compute, materialize and archive jobs on the running servers,
 * and reads from Paimon's tables alone, without a cache tier.
 */
import { afterAll, beforeAll } from 'vitest';
import { updateDecoder } from '#domain/encoding/update-decoder.ts';
import { flinkCluster } from '#infra/flink/cluster.ts';
import { type FlinkEngine, flinkEngine } from '#infra/flink/engine.ts';
import { openStackHistory, type StackHistory } from '#infra/flink/history.ts';
import { computeJob } from '#infra/flink/sql/names.ts';
import { stackOnline } from '#infra/profiles/stack-online.ts';
import { tilesFetcher } from '#projections/serving/online-tiles.ts';
import { engineContract } from '#tests/contracts/engine.contract.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import { type EngineOfTest, openEngine } from '#tests/stack/support/flink-jobs.ts';
import { icebergTables, spillDirectory } from '#tests/stack/support/warehouse.ts';

const cluster = () => flinkCluster(addresses().flink);
let servers: EngineOfTest;
let history: StackHistory;

beforeAll(async () => {
  servers = await openEngine();
  history = await openStackHistory({
    warehouse: addresses().warehouse,
    tables: icebergTables(),
    spillDirectory: spillDirectory(),
    gateway: addresses().sqlGateway,
    log: servers.log,
    now: Date.now,
  });
});
afterAll(async () => {
  for (const { name } of await servers.jobs.running()) await servers.jobs.discard(name);
  await history.close();
  await servers.log.close();
});

engineContract(
  'Flink',
  async () => {
    const { log, schemas, jobs, settings } = servers;
    let flink: FlinkEngine | null = null;
    const { tiles, durable } = stackOnline({
      platform: '00000000-0000-4000-8000-000000000000',
      addresses: addresses(),
      cache: false,
      durableTimeoutMs: 5_000,
      running: ({ plan, generation }) => flink?.generation(plan.view, generation) ?? null,
      now: Date.now,
      warn: () => {},
      tracing: null,
    });
    return {
      log: () => log,
      schemas: () => schemas,
      async start({ onFilled }, { source, view }) {
        flink = flinkEngine({
          log,
          jobs,
          settings,
          cluster: cluster(),
          cache: null,
          decoder: updateDecoder(schemas),
          fetcher: (target) => tilesFetcher(target, tiles),
          leads: () => true,
          viewDefinition: (name) => (name === view.name ? view : null),
          sources: () => [source],
          featureLogs: () => [],
          ensureHistory: (what) => history.ensure(what),
          historyStart: (of) => history.start(of),
          historyMarks: (query) => history.marks(query),
          unread: (topic, read) => history.unread(topic, read),
          lostEvents: (topic) => history.lost(topic),
          historyEndOffsets: (topic) => history.endOffsets(topic),
          clean: async () => {},
          onFilled,
          nudge: log.nudge,
          onFolded: () => {},
          warn: () => {},
        });
        return flink;
      },
      /** The gateway ends, and its compute job is gone from Flink without a savepoint. */
      async crash(engine, view, generation) {
        await engine.close();
        const name = computeJob(view, generation);
        for (const job of await jobs.running())
          if (job.name === name) await cluster().cancel(job.id);
      },
      close: () => durable.close(),
    };
  },
  { reportsFailures: false, foldsFirstFill: true, deadlineMs: 180_000 },
);
