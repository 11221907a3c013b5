import { deleteTopicsV6 } from '@platformatic/kafka';
import { openCluster } from '#infra/kafka/wire/cluster.ts';
import { addresses } from './addresses.ts';
import { until } from './until.ts';

/** Resolves when the topic is gone. */
export const deleteTopic = async (topic: string): Promise<void> => {
  const cluster = openCluster({ brokers: [addresses().kafka], clientId: 'deletes-topics' });
  const exists = async (): Promise<boolean> => (await cluster.describe([topic]))[0]?.error === null;
  try {
    if (!(await exists())) return;
    await cluster.toController(deleteTopicsV6.api, [{ name: topic }], 8_000);
    await until(`topic ${topic} is deleted`, async () => !(await exists()));
  } finally {
    await cluster.close();
  }
};
