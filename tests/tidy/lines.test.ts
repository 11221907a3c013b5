/**
 * Lines have at most 100 columns. The formatter bounds TypeScript; here are the rules for what it
 * leaves as it is: prose, comments, Java and protos.
 *
 *   prose and comments: every line, except tables and lines with a URL. In pages, fenced blocks are
 *   exempt too: a command must stay one line
 *   code in Java and protos: every line, measured without the content of its longest string
 *   literal, which cannot be broken
 */
import { expect, test } from 'vitest';
import { files, found, pages, read } from './files.ts';

const MOST = 100;

/** Written by a generator, or copied from Feast. */
const NOT_OURS = /^gateways\/(grpc\/generated|feast\/protos)\//;
const ours = files.filter((file) => !NOT_OURS.test(file));

const isExempt = (line: string): boolean => /^[\s*]*\||https?:\/\//.test(line);

const tooLong = (line: string): boolean => [...line].length > MOST && !isExempt(line);

/** The text of a line of code that is a comment; null: it has none. */
const commentOf = (line: string): string | null =>
  /^\s*(\/\/|\/?\*)/.test(line) || /[\s;,{)]\/\/ [^'"`]*$/.test(line) ? line : null;

/** A line of Java or of a proto without the content of its longest string literal. */
const withoutText = (line: string): string => {
  const texts = line.match(/"(?:[^"\\]|\\.)*"/g) ?? [];
  const longest = texts.reduce((a, b) => (b.length > a.length ? b : a), '');
  return line.replace(longest, '');
};

const places = (list: readonly string[], isWrong: (line: string) => boolean): string[] =>
  list.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, i) => (isWrong(line) ? [`${file}:${i + 1} ${line.trim()}`] : [])),
  );

test('prose in the pages has at most 100 columns', () => {
  const wrong = pages.flatMap((file) => {
    let fenced = false;
    return read(file)
      .split('\n')
      .flatMap((line, i) => {
        if (line.startsWith('```')) fenced = !fenced;
        return !fenced && tooLong(line) ? [`${file}:${i + 1} ${line}`] : [];
      });
  });
  expect(wrong).toEqual([]);
});

test('comments have at most 100 columns', () => {
  const code = ours.filter((file) => /\.(ts|mjs|java|proto)$/.test(file));
  const wrong = places(code, (line) => {
    const comment = commentOf(line);
    return comment !== null && tooLong(comment);
  });
  expect(wrong).toEqual([]);
  expect(found(code, /^\s*\* \S/).length).toBeGreaterThan(1_000);
});

test('code that no formatter bounds has at most 100 columns', () => {
  const code = ours.filter((file) => /\.(java|proto)$/.test(file));
  let inText = false;
  const wrong = places(code, (line) => {
    const quotes = line.split('"""').length - 1;
    const partOfText = inText;
    if (quotes % 2 === 1) inText = !inText;
    return !partOfText && tooLong(withoutText(line));
  });
  expect(wrong).toEqual([]);
});
