-- What the key holds. A key that holds nothing gets a lease, which whoever reads the source meanwhile shares.
-- KEYS: the entry. ARGV: the reader's nonce, the lease's life in milliseconds.
local held = redis.call('GET', KEYS[1])
if held then
  return held
end
local time = redis.call('TIME')
local lease = string.format('L%.0f-%s', time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
redis.call('SET', KEYS[1], lease, 'PX', ARGV[2])
return lease
