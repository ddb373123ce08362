-- Ends a turn with the bot's reply. Whoever comes second finds the room not busy with it any more, and changes
-- nothing.
with room as (
  update chat_room
  set
    last_seq = last_seq + 1,
    last_message_id = $3,
    last_message_at = greatest(clock_timestamp(), last_message_at),
    active_at = greatest(clock_timestamp(), last_message_at),
    turn_seq = null
  where id = $1 and turn_seq = $2
  returning last_seq, last_message_at as at
),
stored as (
  insert into message (room_id, seq, id, sender_type, sender_id, content, metadata, created_at)
  select $1, room.last_seq, $3, 'bot', $4, $5, $6, room.at
  from room
),
ended as (
  update turn
  set
    state = 'DONE',
    bot_message_id = $3,
    finished_at = now(),
    lease_owner = null,
    lease_until = null
  from room
  where turn.id = $7
),
progress as (
  insert into intimacy_progress
    (user_id, chatbot_id, room_id, intimacy_level, analysed, corrected, last_feedback)
  select $8, $4, $1, $9, 1, $10::boolean::integer, $11
  from room
  on conflict (user_id, chatbot_id) do update
  set
    room_id = excluded.room_id,
    intimacy_level = excluded.intimacy_level,
    analysed = intimacy_progress.analysed + 1,
    corrected = intimacy_progress.corrected + excluded.corrected,
    last_feedback = excluded.last_feedback,
    updated_at = now()
)
select last_seq as "seq!", at as "at!"
from room
