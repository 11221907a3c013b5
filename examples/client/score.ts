/**
 * A program that serves a model: it publishes flights, and reads features to score a flight.
 *
 *   npx millrace serve --grpc-port 7412       and, in another terminal,
 *   npx millrace apply examples/flights/features.ts
 *   node examples/client/score.ts 127.0.0.1:7412
 */
// #region connect
import { connect } from 'millrace/client';
import { airportDelays, delayModel, flights } from '../flights/features.ts';

const millrace = connect({
  address: process.argv[2] ?? '127.0.0.1:7412',
  deadlineMs: 2_000, // for one call, its retries included
  ...(process.env['MILLRACE_API_KEY'] === undefined
    ? {}
    : { key: process.env['MILLRACE_API_KEY'] }),
});
// #endregion

const now = Date.now();
const minutesAgo = (n: number): number => now - n * 60_000;

// #region publish
const producer = millrace.producer(flights, 'tower');
const { accepted, rejected, position } = await producer.publish([
  { date: minutesAgo(50), origin: 'ATL', destination: 'LAX', delay: 21, distance: 1946 },
  { date: minutesAgo(20), origin: 'ATL', destination: 'JFK', delay: null, distance: 760 },
  { date: minutesAgo(5), origin: 'JFK', destination: 'LAX', delay: 4, distance: 2475 },
]);
for (const { index, code, message } of rejected)
  console.error(`event ${index}: ${code} ${message}`);
// #endregion
console.log(`${accepted} accepted, up to ${position}`);

// #region service
const { rows, status, features, views } = await millrace.service(
  delayModel,
  [
    { origin: 'ATL', destination: 'LAX' },
    { origin: 'XNA', destination: 'LAX' },
  ],
  { request: [{ hour: 18 }], after: position }, // wait until the values include these events
);
rows.forEach((row, i) => {
  const missing = features.filter((_, f) => status[i]?.[f] !== 'present');
  console.log(row['delay_avg_1d'], row['late_risk'], `missing: ${missing.join(', ') || 'nothing'}`);
});
console.log(
  views
    .map(
      ({ view, version, completeThrough }) =>
        `${view} v${version} ${completeThrough === null ? '' : 'is fresh'}`,
    )
    .join(', '),
);
// #endregion

// #region row
// Reads of the same turn are sent as one request. The compiler checks the names.
const airports = await Promise.all(
  ['ATL', 'JFK', 'LAX'].map((origin) => millrace.row(airportDelays, { origin })),
);
console.log(
  airports
    .map(({ departures_1h, last_destination }) => `${departures_1h} to ${last_destination}`)
    .join(', '),
);
// #endregion

// #region past
const before = await millrace.view(airportDelays, [{ origin: 'ATL' }], {
  features: ['departures_1h'],
  at: minutesAgo(30),
});
console.log(`half an hour ago: ${before.rows[0]?.departures_1h}`);
// #endregion

// #region refusal
await millrace
  .service('delay_modle', [{ origin: 'ATL' }])
  .catch((error: Error & { code?: string }) => {
    console.log(error.code, error.message); // docs/ERRORS.md lists the codes
  });
// #endregion

millrace.close();
