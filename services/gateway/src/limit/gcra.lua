-- The rule of gcra.rs on Redis' own clock: one request of one caller, decided where all gateways meet.
--
-- A key holds the theoretical arrival time as microseconds since 1970 and the nanoseconds beyond them: as one
-- number of nanoseconds it would not fit into Lua's 53 bits. Everything else is a difference to now, in
-- nanoseconds, which fits for any bucket that fills within 100 days. Differs from the rule in nothing.
--
-- KEYS: the caller on the route. ARGV: nanoseconds for one request, nanoseconds that an empty bucket needs.
-- Answers: 1 or 0, how many more would be admitted now, nanoseconds to wait, nanoseconds until the bucket is
-- full, and when this was decided in microseconds.
local interval, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- How far the arrival time lies ahead of now. Never more than the window, unless the clock was set back or
-- the limit lowered; then the caller starts with an empty bucket.
local ahead = 0
local held = redis.call('GET', KEYS[1])
if held then
  local micros, nanos = string.match(held, '^(%d+) (%d+)$')
  ahead = math.min(math.max((micros - now) * 1000 + nanos, 0), window)
end

local following = ahead + interval
if following > window then
  return {0, 0, following - window, ahead, now}
end
local nanos = following % 1000
local micros = (following - nanos) / 1000
-- A full bucket is as good as none, so the key goes when it is.
redis.call('SET', KEYS[1], string.format('%.0f %d', now + micros, nanos), 'PX', math.ceil(following / 1000000))
return {1, math.floor((window - following) / interval), 0, following, now}
