/** The code in a page: fenced blocks and inline code. */
import { read } from './files.ts';

export interface Block {
  readonly file: string;
  /** `path#region` that the block quotes, if it says so */
  readonly marker: string | undefined;
  readonly language: string;
  readonly text: string;
}

/** The fenced blocks of a page. */
export const blocks = (file: string): readonly Block[] =>
  [...read(file).matchAll(/(?:<!-- from (\S+#\w+) -->\n)?```(\w*)\n([\s\S]*?)```/g)].map(
    ([, marker, language, text]) => ({
      file,
      marker,
      language: language as string,
      text: text as string,
    }),
  );

/** The page without its fenced blocks. */
export const proseOf = (file: string): string => read(file).replace(/```[\s\S]*?```/g, '');

/**
 * What a reader may type or look up, each as one line: inline code, and the lines of blocks of
 * commands. A line that ends with a backslash is joined with the next one.
 */
export const codeOf = (file: string): readonly string[] => [
  ...[...proseOf(file).matchAll(/`([^`]+)`/g)].map(([, text]) =>
    (text as string).replace(/\s+/g, ' '),
  ),
  ...blocks(file)
    .filter(({ language }) => ['sh', 'cron', ''].includes(language))
    .flatMap(({ text }) => text.replace(/\\\n\s*/g, '').split('\n')),
];
