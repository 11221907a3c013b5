/** Erasures as text. */
import type { ErasureStatus } from '#domain/api/erasures.ts';
import type { SignedCertificate } from '#domain/erasure/certificate.ts';
import { facts, showTime, table } from './table.ts';

export const plural = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;

export const certificateText = ({ certificate, signature }: SignedCertificate): string => {
  const { removed, contained, recomputed, remains, entity } = certificate;
  const removedRows = [
    ...Object.entries(removed.records).map(([topic, n]) => [topic, plural(n, 'position')]),
    ...Object.entries(removed.history).map(([topic, { files, snapshots }]) => [
      `history of ${topic}`,
      `${plural(files, 'file')} rewritten, ${plural(snapshots, 'snapshot')} expired`,
    ]),
    ...Object.entries(removed.states).map(([file, how]) => [`state ${file}`, how]),
    ...contained.dataSets.map((name) => [`data set ${name}`, 'removed']),
    ...removed.backups.map((directory) => [`backups in ${directory}`, 'removed']),
  ];
  return [
    `erasure ${entity.digest}: ${signature === null ? 'not signed' : `signed, ${signature.algorithm}`}`,
    removedRows.length === 0 ? 'nothing had the entity' : table(['where', 'removed'], removedRows),
    `answers that had it: ${contained.answers.map(({ service, requestId }) => `${service} ${requestId}`).join(', ') || 'none'}`,
    ...recomputed.map(
      ({ view, generation }) =>
        `values of other entities of the view ${view} were computed anew: generation ${generation}`,
    ),
    table(
      ['remains', 'why'],
      remains.map(({ what, why }) => [what, why]),
    ),
  ].join('\n');
};

export const erasureText = (one: ErasureStatus): string =>
  facts([
    ['erasure', one.id],
    ['state', one.state],
    [
      'entity',
      one.entity === null
        ? `${one.keyNames.join(', ')}: known no more`
        : Object.entries(one.entity)
            .map(([key, value]) => `${key}=${value}`)
            .join(' '),
    ],
    ['reason', one.reason],
    ['requested', showTime(one.at)],
    ['ended', one.endedAt === null ? null : showTime(one.endedAt)],
    ['error', one.error === null ? null : `${one.error.code}: ${one.error.message}`],
  ]);
