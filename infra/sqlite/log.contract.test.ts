import { logContract } from '#tests/contracts/log.contract.ts';
import { openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';

logContract('SQLite', async () => {
  const directory = temporaryDirectory();
  let open = openLog(directory.path);
  return {
    log: open.log,
    async reopen() {
      await open.close();
      open = openLog(directory.path);
      return open.log;
    },
    async close() {
      await open.close();
      directory.remove();
    },
  };
});
