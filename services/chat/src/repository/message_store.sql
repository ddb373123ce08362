-- One batch of messages of one room's owner: numbers them, stores them with the ids of the client's, and opens the
-- turn of the last one. Nothing happens when the room is not the sender's, was left, or is busy with a turn.
with given as (
  select id, content, content_type, client_id, nr
  from unnest($3::uuid[], $4::text[], $5::text[], $6::text[])
    with ordinality as g (id, content, content_type, client_id, nr)
),
known as (
  select given.nr, key.seq, key.at
  from given
  cross join lateral (
    select seq, created_at as at
    from message_key
    where room_id = $1 and sender_id = $2 and client_message_id = given.client_id
    -- There is never another one. Without the limit, all keys of the room are read for every batch.
    limit 1
  ) key
),
fresh as (
  select given.*, row_number() over (order by given.nr) as place
  from given
  where given.nr not in (select nr from known)
),
newest as (
  select
    (select count(*) from fresh) as count,
    (select id from fresh order by nr desc limit 1) as id,
    $7::uuid is not null and cardinality($3) in (select nr from fresh) as opens
),
room as (
  update chat_room
  set
    last_seq = last_seq + newest.count,
    last_message_id = newest.id,
    -- Of after the wait for the room's lock, and read once: it is the message's time, too.
    (last_message_at, last_user_message_at, active_at) = (
      select at, at, at
      from (select greatest(clock_timestamp(), chat_room.last_message_at) as at) moment
    ),
    turn_seq = case when newest.opens then last_seq + newest.count end
  from newest
  where chat_room.id = $1
    and chat_room.user_id = $2
    and chat_room.deleted_at is null
    and chat_room.turn_seq is null
    and newest.count > 0
  returning chat_room.last_seq - newest.count as base, chat_room.last_message_at as at
),
stored as (
  insert into message (room_id, seq, id, sender_type, sender_id, content, content_type, created_at)
  select $1, room.base + place, id, 'user', $2, content, content_type, room.at
  from fresh, room
),
keyed as (
  insert into message_key (room_id, sender_id, client_message_id, message_id, seq, created_at)
  select $1, $2, client_id, id, room.base + place, room.at
  from fresh, room
  where client_id is not null
),
opened as (
  insert into turn
    (id, room_id, user_message_id, user_message_seq, state, attempt, lease_owner, lease_until)
  select $7, $1, newest.id, room.base + newest.count, 'RUNNING', 1, $8, now() + make_interval(secs => $9)
  from newest, room
  where newest.opens
)
select
  given.nr as "nr!",
  room.base + fresh.place as stored,
  room.at,
  known.seq as "known?",
  known.at as "known_at?"
from given
left join fresh on fresh.nr = given.nr
left join known on known.nr = given.nr
left join room on true
order by given.nr
