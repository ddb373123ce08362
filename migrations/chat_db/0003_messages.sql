-- Messages by month, what catches their resends, and the turns in which a bot answers.
create table message (
  room_id uuid not null,
  -- Gapless in the room, from `chat_room.last_seq`.
  seq bigint not null,
  id uuid not null,
  sender_type text not null,
  -- The user or the bot; null for the system.
  sender_id uuid,
  content text not null,
  content_type text not null default 'text',
  -- What a bot's reply carries: the analysis of the user's message and the vocabulary of its own.
  metadata jsonb,
  edited_at timestamptz,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  -- No foreign key to the room: the transaction that stores a message has just updated its room, and
  -- partitions must go without asking rooms.
  constraint message_pkey primary key (room_id, seq, created_at),
  constraint message_seq check (seq > 0),
  constraint message_sender_type check (sender_type in ('user', 'bot', 'system')),
  constraint message_sender check ((sender_type = 'system') = (sender_id is null)),
  constraint message_content check (char_length(content) between 1 and 10000),
  constraint message_content_type check (content_type in ('text', 'code', 'system', 'json'))
) partition by range (created_at);

-- Catches what no month was made for, so that a late partition never refuses a message.
create table message_default
  partition of message default;

-- One row per message that its sender gave an id. Not partitioned, because a resend may come in another
-- month.
create table message_key (
  room_id uuid not null references chat_room (id) on delete cascade,
  sender_id uuid not null,
  client_message_id text not null,
  message_id uuid not null,
  seq bigint not null,
  created_at timestamptz not null default now(),
  constraint message_key_pkey primary key (room_id, sender_id, client_message_id),
  constraint message_key_length check (client_message_id <> '' and char_length(client_message_id) <= 100)
);

create index message_key_age
  on message_key (created_at);

-- A bot's answer that is being made or still owed to the learner.
create table turn (
  id uuid primary key,
  room_id uuid not null references chat_room (id) on delete cascade,
  user_message_id uuid not null,
  user_message_seq bigint not null,
  bot_message_id uuid,
  state text not null default 'PENDING',
  attempt integer not null default 0,
  -- The instance that works on it and until when it is believed to. Each take-over raises the fence, and
  -- whoever writes with an old one is refused.
  lease_owner text,
  lease_until timestamptz,
  fence bigint not null default 0,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  -- A stream that got the answer lived on, or the messages were read: no longer owed.
  delivered_at timestamptz,
  constraint turn_user_message_key unique (room_id, user_message_seq),
  constraint turn_state check (state in ('PENDING', 'RUNNING', 'DONE')),
  constraint turn_lease check ((state = 'RUNNING') = (lease_owner is not null and lease_until is not null)),
  constraint turn_finished check ((state = 'DONE') = (bot_message_id is not null and finished_at is not null))
);

-- One turn at a time per room.
create unique index turn_open
  on turn (room_id)
  where state <> 'DONE';

create index turn_unfinished
  on turn (lease_until nulls first)
  where state <> 'DONE';

create index turn_owed
  on turn (room_id, user_message_seq)
  where delivered_at is null;

-- Makes the partition of the month (UTC) that `day` falls into, takes over what the default partition holds
-- of it, and says whether it was missing. The runtime role may not create tables, but may call this.
create function create_message_partition(day date)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set lock_timeout = '2s'
as $$
declare
  month timestamptz := date_trunc('month', day::timestamptz);
  next_month timestamptz := month + interval '1 month';
  name text := 'message_' || to_char(month, 'YYYY_MM');
begin
  if day is null or not isfinite(day) then
    raise exception 'a partition needs a day' using errcode = '22023';
  end if;
  if to_regclass('public.' || name) is not null then
    return false;
  end if;
  lock table public.message_default in access exclusive mode;
  if to_regclass('public.' || name) is not null then
    return false;
  end if;
  execute format(
    'create table public.%I (like public.message including defaults including constraints)', name
  );
  execute format(
    'with moved as (delete from public.message_default where created_at >= %L and created_at < %L returning *)
     insert into public.%I select * from moved',
    month, next_month, name
  );
  execute format(
    'alter table public.message attach partition public.%I for values from (%L) to (%L)',
    name, month, next_month
  );
  return true;
end
$$;

-- Drops the partition of the month that `day` falls into, and says whether it was there. Only whole months
-- that are over can go.
create function drop_message_partition(day date)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set lock_timeout = '2s'
as $$
declare
  month timestamptz := date_trunc('month', day::timestamptz);
  name text := 'message_' || to_char(month, 'YYYY_MM');
begin
  if day is null or not isfinite(day) then
    raise exception 'a partition needs a day' using errcode = '22023';
  end if;
  if month + interval '1 month' > now() then
    raise exception 'messages of % are not over yet', to_char(month, 'YYYY-MM') using errcode = '55000';
  end if;
  if to_regclass('public.' || name) is null then
    return false;
  end if;
  execute format('drop table public.%I', name);
  return true;
end
$$;

revoke all on function create_message_partition(date) from public;
revoke all on function drop_message_partition(date) from public;

-- This month and the two after it; the service keeps that distance.
select create_message_partition((now() at time zone 'UTC' + ahead * interval '1 month')::date)
from generate_series(0, 2) ahead;
