/**
 * The servers' settings as text. The runner writes them to files, and docker-compose.yml passes
 * them to the images.
 */
import { LOOPBACK, PORT_OFFSETS } from './addresses.ts';
import { REDIS_MB, TASK_SLOTS } from './versions.ts';

/**
 * One broker that is also the controller, so every replication factor is 1.
 */
export const KAFKA_SETTINGS: Readonly<Record<string, string>> = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'group.initial.rebalance.delay.ms': '0',
  'auto.create.topics.enable': 'false',
  'log.message.timestamp.type': 'LogAppendTime',
  'message.max.bytes': String(17 * 1024 * 1024),
  'replica.fetch.max.bytes': String(17 * 1024 * 1024),
};

export const kafkaProperties = (basePort: number, directory: string): string =>
  Object.entries({
    ...KAFKA_SETTINGS,
    listeners: `PLAINTEXT://${LOOPBACK}:${basePort + PORT_OFFSETS.kafka},CONTROLLER://${LOOPBACK}:${basePort + PORT_OFFSETS.kafkaController}`,
    'advertised.listeners': `PLAINTEXT://${LOOPBACK}:${basePort + PORT_OFFSETS.kafka}`,
    'controller.quorum.voters': `1@${LOOPBACK}:${basePort + PORT_OFFSETS.kafkaController}`,
    'log.dirs': directory,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');

/**
 * Redis is a cache without files on disk, because lost data is read again from the log. But it must
 * lose either everything or nothing. An eviction policy would delete an entity's block and keep
 * `ready`. A missing block while `ready` exists means that the entity does not exist (a view of all
 * time), or that its last update is older than its time to live, so that Paimon has it. After an
 * eviction both conclusions would be wrong. So a full Redis refuses writes, each batch completely:
 * the cache tier lags, which the status shows, and reads of cached entities continue.
 */
export const redisArguments = (basePort: number): readonly string[] => [
  '--port',
  String(basePort + PORT_OFFSETS.redis),
  '--bind',
  LOOPBACK,
  '--save',
  '',
  '--appendonly',
  'no',
  '--maxmemory',
  `${REDIS_MB}mb`,
  '--maxmemory-policy',
  'noeviction',
];

/**
 * A checkpoint per second keeps Paimon fresh. Short heartbeats detect a killed process soon.
 */
export const FLINK_SETTINGS: Readonly<Record<string, string>> = {
  'taskmanager.numberOfTaskSlots': String(TASK_SLOTS),
  'parallelism.default': '1',
  'state.backend.type': 'hashmap',
  'execution.checkpointing.interval': '1s',
  'execution.buffer-timeout.interval': '5ms',
  'execution.checkpointing.timeout': '2min',
  'execution.checkpointing.tolerable-failed-checkpoints': '10',
  'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
  'execution.checkpointing.num-retained': '3',
  'restart-strategy.type': 'exponential-delay',
  'restart-strategy.exponential-delay.initial-backoff': '1s',
  'restart-strategy.exponential-delay.max-backoff': '10s',
  'restart-strategy.exponential-delay.attempts-before-reset-backoff': '2147483647',
  'heartbeat.interval': '2000',
  'heartbeat.timeout': '10000',
  'pekko.ask.timeout': '20s',
  'taskmanager.registration.timeout': '60min',
  'sql-gateway.session.idle-timeout': '5min',
  'classloader.check-leaked-classloader': 'false',
};

export const flinkConfiguration = (basePort: number, directory: string): string =>
  Object.entries({
    ...FLINK_SETTINGS,
    'jobmanager.rpc.address': LOOPBACK,
    'jobmanager.rpc.port': String(basePort + PORT_OFFSETS.flinkRpc),
    'jobmanager.bind-host': LOOPBACK,
    'taskmanager.bind-host': LOOPBACK,
    'taskmanager.host': LOOPBACK,
    'rest.address': LOOPBACK,
    'rest.bind-address': LOOPBACK,
    'rest.port': String(basePort + PORT_OFFSETS.flinkRest),
    'rest.bind-port': String(basePort + PORT_OFFSETS.flinkRest),
    'sql-gateway.endpoint.rest.address': LOOPBACK,
    'sql-gateway.endpoint.rest.bind-address': LOOPBACK,
    'sql-gateway.endpoint.rest.port': String(basePort + PORT_OFFSETS.sqlGateway),
    // Without this setting the gateway uses the JobManager's port.
    'sql-gateway.endpoint.rest.bind-port': String(basePort + PORT_OFFSETS.sqlGateway),
    'execution.checkpointing.dir': `file://${directory}/checkpoints`,
    'execution.checkpointing.savepoint-dir': `file://${directory}/savepoints`,
    'io.tmp.dirs': `${directory}/tmp`,
    'web.upload.dir': `${directory}/tmp`,
  })
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');

export const LOG4J = `rootLogger.level = INFO
rootLogger.appenderRef.console.ref = Console
appender.console.type = Console
appender.console.name = Console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %-5p %c{1} %m%n
logger.kafka.name = org.apache.kafka
logger.kafka.level = WARN
logger.pekko.name = org.apache.pekko
logger.pekko.level = WARN
logger.checkpoints.name = org.apache.flink.runtime.checkpoint
logger.checkpoints.level = WARN
logger.iceberg.name = org.apache.iceberg
logger.iceberg.level = WARN
logger.paimon.name = org.apache.paimon
logger.paimon.level = WARN
`;

/** The packages that the module system must open to Flink, as in its own start scripts. */
export const FLINK_OPENS: readonly string[] = [
  ...['java.rmi/sun.rmi.registry', 'java.security.jgss/sun.security.krb5'].map(
    (p) => `--add-exports=${p}=ALL-UNNAMED`,
  ),
  ...['api', 'file', 'parser', 'tree', 'util'].map(
    (p) => `--add-exports=jdk.compiler/com.sun.tools.javac.${p}=ALL-UNNAMED`,
  ),
  ...[
    'lang',
    'net',
    'io',
    'nio',
    'lang.reflect',
    'text',
    'time',
    'util',
    'util.concurrent',
    'util.concurrent.atomic',
    'util.concurrent.locks',
  ].map((p) => `--add-opens=java.base/java.${p}=ALL-UNNAMED`),
  '--add-opens=java.base/sun.nio.ch=ALL-UNNAMED',
];

/** The values that Flink's start scripts compute from the memory settings. */
export const TASK_MANAGER_MEMORY: Readonly<Record<string, string>> = {
  'taskmanager.cpu.cores': '2.0',
  'taskmanager.memory.framework.heap.size': '134217728b',
  'taskmanager.memory.task.heap.size': '1073741824b',
  'taskmanager.memory.framework.off-heap.size': '134217728b',
  'taskmanager.memory.task.off-heap.size': '0b',
  'taskmanager.memory.network.min': '201326592b',
  'taskmanager.memory.network.max': '201326592b',
  'taskmanager.memory.managed.size': '268435456b',
  'taskmanager.memory.jvm-metaspace.size': '402653184b',
  'taskmanager.memory.jvm-overhead.min': '201326592b',
  'taskmanager.memory.jvm-overhead.max': '201326592b',
  'external-resources': 'none',
};
