-- Keeps what a reader found, if nothing has happened to the key since it asked: its lease is still there, or
-- an older version from another reader. The age of an entry counts from its lease, not from now.
-- KEYS: the entry. ARGV: the lease, the text, its version, how old it may become in milliseconds.
local held = redis.call('GET', KEYS[1])
if not held then
  return 0
end
if held ~= ARGV[1] then
  local version = string.match(held, '^V(%-?%d+) ')
  if not version or tonumber(version) >= tonumber(ARGV[3]) then
    return 0
  end
end
local begun = string.match(ARGV[1], '^L(%d+)-')
redis.call('SET', KEYS[1], ARGV[2], 'PXAT', string.format('%.0f', begun + ARGV[4]))
return 1
