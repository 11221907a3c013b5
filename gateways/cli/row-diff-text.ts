/** How the rows of two data sets differ, as text for a terminal. Values are exact. */
import type { ColumnChanges, RowDiff, RowPlace } from '#domain/datasets/row-diff.ts';
import { table } from './table.ts';

const exact = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value ?? null);

const listed = (names: readonly string[]): string => names.join(', ');

/** @param first NAME@VERSION */
export const rowDiffText = (diff: RowDiff, first: string, second: string): string => {
  const { keys, rows, same, changed, onlyFirst, onlySecond, columns, columnsOfOne } = diff;
  const head = [...keys, 'event_timestamp', 'nth'];
  const place = ({ key, time, nth }: RowPlace) => [
    ...keys.map((name) => exact(key[name])),
    exact(time),
    nth,
  ];
  const sections = [
    `rows, by ${listed([...keys, 'event_timestamp'])}: ${rows.first} in ${first}, ${rows.second} in ${second}; ${same} are the same, ${changed} have other values, ${onlyFirst} are only in ${first}, ${onlySecond} only in ${second}`,
  ];
  const section = (title: string, text: string): void => {
    sections.push(`\n${title}\n${text}`);
  };
  for (const [title, names] of [
    [first, columnsOfOne.first],
    [second, columnsOfOne.second],
  ] as const)
    if (names.length > 0) sections.push(`\ncolumns only in ${title}: ${listed(names)}`);
  const typed = ({ types }: ColumnChanges): string =>
    types === undefined ? '' : ` (${types.first} and ${types.second})`;
  for (const column of columns)
    section(
      `${column.column}${typed(column)}: ${column.changed} changed`,
      table(
        [...head, first, second],
        column.examples.map((one) => [...place(one), exact(one.first), exact(one.second)]),
      ),
    );
  for (const [title, places] of [
    [first, diff.rowsOfOne.first],
    [second, diff.rowsOfOne.second],
  ] as const)
    if (places.length > 0) section(`only in ${title}`, table(head, places.map(place)));
  return sections.join('\n');
};
