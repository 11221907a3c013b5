/**
 * Atomic steps in Redis, as Lua scripts. All keys of a generation share a hash tag, so that they
 * are in one slot of a cluster.
 */

/**
 * KEYS: progress, ready, blocks… · ARGV: partition, from ('' where it never began), to, ready,
 * newest, now, ttl ms (0: none), partitions, blocks… The position is the fence: a process that lost
 * its partition, or missed that the store was emptied, writes nothing.
 */
export const STORE = `
local p = ARGV[1]
local current = redis.call('HGET', KEYS[1], 'o:' .. p)
if (current or '') ~= ARGV[2] then return 0 end
for i = 3, #KEYS do
  if ARGV[7] == '0' then redis.call('SET', KEYS[i], ARGV[6 + i])
  else redis.call('SET', KEYS[i], ARGV[6 + i], 'PX', ARGV[7]) end
end
redis.call('HSET', KEYS[1], 'o:' .. p, ARGV[3], 'n', ARGV[8])
if not current then redis.call('HSET', KEYS[1], 'b:' .. p, ARGV[6]) end
if ARGV[4] == '1' and redis.call('HSET', KEYS[1], 'r:' .. p, '1') == 1 then
  local all = true
  for i = 0, tonumber(ARGV[8]) - 1 do
    if redis.call('HEXISTS', KEYS[1], 'r:' .. i) == 0 then all = false end
  end
  if all then redis.call('SET', KEYS[2], '1') end
end
local newest = redis.call('HGET', KEYS[1], 'e')
if ARGV[5] ~= '' and (not newest or tonumber(newest) < tonumber(ARGV[5])) then redis.call('HSET', KEYS[1], 'e', ARGV[5]) end
return 1
`;

/** KEYS: block · ARGV: the head that was read, the new block. The time to live is kept. */
export const REPAIR = `
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
`;
