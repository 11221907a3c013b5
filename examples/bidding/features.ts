/**
 * A bidding system: features of a user's bids in the last minutes. They are read within
 * milliseconds of the next bid, and rarely afterwards.
 *
 * `user_bid_score` is ephemeral: on the stack profile its values stay in Redis for 15 minutes after
 * a user's last bid. They are also written to Paimon every minute, and stay there for a user who
 * comes back the next day. The embedded profile keeps everything in one store.
 */
// #region definitions
import {
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  last,
  onDemandFeature,
  request,
  source,
  sum,
  when,
} from 'millrace';

export const user = entity({ name: 'user', keys: { user: 'string' }, owner: 'bidding' });

export const bids = source({
  name: 'bids',
  fields: {
    t: 'timestamp',
    user: 'string',
    campaign: 'string',
    price: 'double',
    won: 'boolean',
    score: 'double',
  },
  eventTime: 't',
  partitions: 2,
  partitionBy: ['user'],
  description: 'One event a bid, with the score that the bidder gave it',
  owner: 'bidding',
});

export const userBidScore = featureView({
  name: 'user_bid_score',
  entity: user,
  source: bids,
  ephemeral: { ttl: '15m', flush: '1m' },
  features: {
    score: last(col('score')),
    bids_ever: count(),
    bids_10m: count({ window: '10m' }),
    spent_1d: sum(when(col('won'), col('price')).otherwise(0), { window: '1d' }),
    win_rate_1d: avg(when(col('won'), 1).otherwise(0), { window: '1d' }),
  },
  owner: 'bidding',
  description: 'How a user’s bids go, and what the last one was scored',
});

export const bidWorth = onDemandFeature({
  name: 'bid_worth',
  type: 'double',
  inputs: { score: userBidScore.feature('score'), floor: request('floor', 'double') },
  value: ({ score, floor }) => when(score.gt(floor), score).otherwise(floor),
  description: 'The last score, or the floor price of what is offered',
  owner: 'bidding',
});

export const bidModel = featureService({
  name: 'bid_model',
  features: [userBidScore.pick('score', 'bids_10m', 'spent_1d', 'win_rate_1d'), bidWorth],
  owner: 'bidding',
});
// #endregion
