-- What real time and the tutors need beside rooms and messages.

-- The user's message that a bot is answering. While it is set nothing else is written into the room, so that the
-- answer stands directly behind it; on the room itself, because a condition on another row would be judged by
-- the statement's snapshot, not by what the lock has waited for.
alter table chat_room
  add column turn_seq bigint,
  add constraint chat_room_turn_seq check (turn_seq between 1 and last_seq);

-- Every message changes its room's times. Not a word of that may be in an index, or each message would write into all
-- of them: a user has few rooms, which are found by the user and sorted then.
drop index chat_room_of_user;
drop index chat_room_interaction;

create index chat_room_interaction
  on chat_room (user_id, chatbot_id);

-- Who ends a turn is decided by the room's row: no fence is needed.
alter table turn
  drop column fence;

-- One prompt for each task of a bot, and which version of it is in use.
alter table chatbot
  drop constraint chatbot_prompt_in_use;

alter table chatbot_prompt
  add column agent text not null default 'conversation',
  add constraint chatbot_prompt_agent
    check (agent in ('conversation', 'analysis', 'vocabulary', 'greeting', 'summary')),
  drop constraint chatbot_prompt_pkey,
  add constraint chatbot_prompt_pkey primary key (chatbot_id, agent, version);

create table prompt_in_use (
  chatbot_id uuid not null references chatbot (id) on delete cascade,
  agent text not null,
  version integer not null,
  updated_at timestamptz not null default now(),
  constraint prompt_in_use_pkey primary key (chatbot_id, agent),
  constraint prompt_in_use_version foreign key (chatbot_id, agent, version)
    references chatbot_prompt (chatbot_id, agent, version) on delete cascade
);

insert into prompt_in_use (chatbot_id, agent, version)
select id, 'conversation', prompt_version
from chatbot
where prompt_version is not null;

alter table chatbot
  drop column prompt_version;

-- What a user has had answered, by day (UTC): for quotas and the bill.
create table usage_day (
  user_id uuid not null,
  day date not null,
  turns integer not null default 0,
  -- Of the language model; the built-in tutor uses none.
  prompt_tokens bigint not null default 0,
  completion_tokens bigint not null default 0,
  updated_at timestamptz not null default now(),
  constraint usage_day_pkey primary key (user_id, day),
  constraint usage_day_counts check (turns >= 0 and prompt_tokens >= 0 and completion_tokens >= 0)
);

-- What a model remembers of the messages that no longer fit into its prompt.
create table room_memory (
  room_id uuid primary key references chat_room (id) on delete cascade,
  summary text not null,
  -- The last message that the summary covers.
  until_seq bigint not null,
  updated_at timestamptz not null default now(),
  constraint room_memory_summary check (char_length(summary) between 1 and 8000),
  constraint room_memory_until_seq check (until_seq > 0)
);

-- One-time entries to a room's WebSocket, for browsers, which cannot send a header with it.
create table socket_ticket (
  -- SHA-256 of the ticket.
  hash bytea primary key,
  room_id uuid not null references chat_room (id) on delete cascade,
  -- The access token's claims: a revocation of that token ends the socket too.
  claims jsonb not null,
  expires_at timestamptz not null,
  constraint socket_ticket_hash check (octet_length(hash) = 32)
);

create index socket_ticket_expiry
  on socket_ticket (expires_at);

-- How far each user has read.
create table read_mark (
  room_id uuid not null references chat_room (id) on delete cascade,
  user_id uuid not null,
  seq bigint not null,
  updated_at timestamptz not null default now(),
  constraint read_mark_pkey primary key (room_id, user_id),
  constraint read_mark_seq check (seq > 0)
);

-- Who is connected, by the instance that holds the connections. The instance renews its lease; when it dies, its
-- users are gone with it. Unlogged: after a crash of the server nobody is connected anyway.
create unlogged table live_instance (
  instance text primary key,
  lease_until timestamptz not null
);

create unlogged table presence (
  room_id uuid not null,
  user_id uuid not null,
  instance text not null references live_instance (instance) on delete cascade,
  connections integer not null,
  constraint presence_pkey primary key (room_id, user_id, instance),
  constraint presence_connections check (connections > 0)
);

create index presence_instance
  on presence (instance);

-- The last talk with a bot in rooms that were purged since, so that it is remembered all the same. Beside the rooms
-- that are there: the newer of both counts.
create table room_interaction (
  user_id uuid not null,
  chatbot_id uuid not null references chatbot (id) on delete cascade,
  -- Gone.
  last_room_id uuid not null,
  last_interaction_at timestamptz not null,
  constraint room_interaction_pkey primary key (user_id, chatbot_id)
);

-- Turns that nobody owes any more, for the clean-up.
create index turn_delivered
  on turn (delivered_at)
  where delivered_at is not null;

-- Messages of a day, for reports. Rows arrive in the order of time, so a range of pages is as good as an index of
-- every row, and costs a write next to nothing.
create index message_time
  on message using brin (created_at) with (autosummarize = on);
