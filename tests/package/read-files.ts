/**
 * A process that reads files of definitions one by one and prints, as JSON, the names in each or
 * the error.
 */
import { messageOf } from '#domain/error-message.ts';
import { readDefinitionFiles } from '#gateways/cli/definition-files.ts';

const read: [file: string, names: string][] = [];
for (const file of process.argv.slice(2)) {
  const names = await readDefinitionFiles([file]).then(
    ({ definitions }) =>
      definitions
        .map(({ name }) => name)
        .sort()
        .join(' '),
    messageOf,
  );
  read.push([file, names]);
}
process.stdout.write(JSON.stringify(read));
