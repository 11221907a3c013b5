/** The id of the platform that a directory of files belongs to, as a file in it. */
import { MillraceError } from '#domain/errors.ts';
import { type Directory, joinUri } from '#domain/ports/file-io.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Its name has no ending that Iceberg, Paimon or the job store look for. */
export const markUri = ({ uri }: Directory): string => joinUri(uri, 'millrace-platform');

/** null: the directory has no mark. @throws MR_DATA_DAMAGED where the mark is no id */
export const readMark = async (directory: Directory): Promise<string | null> => {
  const uri = markUri(directory);
  const bytes = await directory.files.read(uri);
  if (bytes === null) return null;
  const id = Buffer.from(bytes).toString().trim();
  if (UUID.test(id)) return id;
  throw new MillraceError(
    'MR_DATA_DAMAGED',
    `The file ${uri} is damaged: it must have the id of the platform that the directory belongs to.`,
    { uri },
  );
};

/** Marks a directory unless it has a mark. @returns the mark that it has now */
export const makeMark = async (directory: Directory, platform: string): Promise<string> =>
  (await directory.files.create(markUri(directory), `${platform}\n`))
    ? platform
    : ((await readMark(directory)) ?? platform);
