-- Forgets what is older than a version, and every lease: whoever is reading now may have read too early.
-- KEYS: the entry. ARGV: the version.
local held = redis.call('GET', KEYS[1])
if not held then
  return 0
end
local version = string.match(held, '^V(%-?%d+) ')
if version and tonumber(version) >= tonumber(ARGV[1]) then
  return 0
end
return redis.call('DEL', KEYS[1])
