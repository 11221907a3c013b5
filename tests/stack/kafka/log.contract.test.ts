import { randomUUID } from 'node:crypto';
import { kafkaLog } from '#infra/kafka/log.ts';
import { logContract } from '#tests/contracts/log.contract.ts';
import { addresses } from '#tests/stack/support/addresses.ts';

logContract(
  'Kafka',
  async () => {
    const prefix = `${randomUUID().slice(0, 8)}.`;
    const open = () => kafkaLog({ brokers: [addresses().kafka], clientId: 'contract', prefix });
    let log = await open();
    return {
      log,
      async reopen() {
        await log.close();
        log = await open();
        return log;
      },
      close: () => log.close(),
    };
  },
  { dense: false },
);
