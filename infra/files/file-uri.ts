/** Converts between local paths and the URIs of FileIO. */
import { resolve } from 'node:path';
import { MillraceError } from '#domain/errors.ts';
import { joinUri } from '#domain/ports/file-io.ts';

const SCHEME = 'file://';

export const fileUri = (path: string): string =>
  joinUri(SCHEME, ...resolve(path).split('/').slice(1));

const refuse = (uri: string, why: string): never => {
  throw new MillraceError('MR_STORAGE_FAILED', `The location ${uri} cannot be used: ${why}.`, {
    uri,
  });
};

const decodeSegment = (uri: string, segment: string): string => {
  let name: string;
  try {
    name = decodeURIComponent(segment);
  } catch {
    return refuse(uri, 'it is not percent-encoded correctly');
  }
  if (name === '.' || name === '..' || /[/\0]/.test(name))
    return refuse(uri, `"${segment}" is not the name of a file`);
  return name;
};

/** @throws MR_STORAGE_FAILED if the URI does not name a file on the local disk */
export const pathOf = (uri: string): string => {
  if (!uri.startsWith(`${SCHEME}/`)) return refuse(uri, 'only file:/// URIs are supported');
  const segments = uri.slice(SCHEME.length).split('/');
  return segments.map((segment) => decodeSegment(uri, segment)).join('/');
};
