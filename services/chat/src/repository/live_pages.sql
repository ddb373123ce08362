-- The next messages of each of the rooms in $1 behind the message in $2: at most $3 of each; none that begins behind
-- $4 bytes of content and metadata; none that lies further than $5 behind the room's newest. $6 says what none of
-- them is older than, null for nothing but the room.
select
  wanted.number as "number!",
  room.last_seq,
  room.deleted_at is not null as "left!",
  room.id as "room_id: RoomId",
  page.seq as "seq?",
  page.id as "id?: MessageId",
  page.sender_type as "sender_type?: SenderType",
  page.sender_id,
  page.content as "content?",
  page.content_type as "content_type?: ContentType",
  page.metadata as "metadata: Json<Box<RawValue>>",
  page.edited_at is not null as edited,
  page.deleted_at is not null as deleted,
  page.created_at as "created_at?"
from unnest($1::uuid[], $2::bigint[], $6::timestamptz[])
  with ordinality as wanted (room_id, after, since, number)
join chat_room room on room.id = wanted.room_id
left join lateral (
  select sized.*
  from (
    select message.*, sum(own.size) over (order by message.seq) - own.size as before
    from message
    cross join lateral (
      select octet_length(message.content) + coalesce(octet_length(message.metadata::text), 0) as size
    ) own
    where message.room_id = room.id
      and message.seq > greatest(wanted.after, room.last_seq - $5::bigint)
      and message.created_at >= greatest(room.created_at, wanted.since) - interval '1 day'
    order by message.seq
    limit $3
  ) sized
  where sized.before < $4::bigint
) page on true
order by wanted.number, page.seq
