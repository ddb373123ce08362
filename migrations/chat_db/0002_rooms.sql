-- Tutor bots, their prompts, and the rooms in which a learner talks with one.
create table chatbot (
  id uuid primary key,
  name text not null,
  -- The word the web client knows the bot by.
  bot_type text not null,
  concept text not null,
  description text not null,
  picture text,
  is_active boolean not null default true,
  -- The version of its prompt in use; null speaks the responder's built-in one.
  prompt_version integer,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint chatbot_bot_type_key unique (bot_type),
  constraint chatbot_name check (char_length(name) between 1 and 100),
  constraint chatbot_bot_type check (bot_type ~ '^[a-z]{1,20}$'),
  constraint chatbot_concept check (concept in ('FRIEND', 'HONEY', 'COWORKER', 'SENIOR', 'BOSS'))
);

-- Prompts are never changed: an edit is a new version, so that every answer can be traced to what it was told.
create table chatbot_prompt (
  chatbot_id uuid not null references chatbot (id) on delete cascade,
  version integer not null,
  system_prompt text not null,
  -- Further instructions by intimacy level: {"1": […], "2": […], "3": […]}.
  directives jsonb not null default '{}',
  note text,
  created_by uuid,
  created_at timestamptz not null default now(),
  constraint chatbot_prompt_pkey primary key (chatbot_id, version),
  constraint chatbot_prompt_version check (version > 0),
  constraint chatbot_prompt_text check (char_length(system_prompt) between 1 and 20000)
);

alter table chatbot
  add constraint chatbot_prompt_in_use
  foreign key (id, prompt_version) references chatbot_prompt (chatbot_id, version)
  deferrable initially deferred;

create table chat_room (
  id uuid primary key,
  user_id uuid not null,
  chatbot_id uuid not null references chatbot (id),
  name text not null,
  description text,
  concept text not null,
  -- 1 formal, 2 soft polite, 3 casual.
  intimacy_level smallint not null default 2,
  -- The sequence number of the newest message. Taking the next one locks the row, which is what makes the
  -- numbers of a room gapless and their order that of the commits.
  last_seq bigint not null default 0,
  last_message_id uuid,
  last_message_at timestamptz,
  last_user_message_at timestamptz,
  -- What the list of rooms is sorted by: the newest message, else the creation.
  active_at timestamptz not null default now(),
  archived_at timestamptz,
  -- Left by its user. Kept, because the last talk with a bot is remembered.
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint chat_room_name check (char_length(name) between 1 and 100),
  constraint chat_room_description check (char_length(description) <= 500),
  constraint chat_room_concept check (concept in ('FRIEND', 'HONEY', 'COWORKER', 'SENIOR', 'BOSS')),
  constraint chat_room_intimacy_level check (intimacy_level between 1 and 3),
  constraint chat_room_last_seq check (last_seq >= 0)
)
-- Every message updates its room: leave space on the page for it.
with (fillfactor = 80);

-- One active room per user and bot, however many requests race to make it.
create unique index chat_room_active
  on chat_room (user_id, chatbot_id)
  where deleted_at is null;

create index chat_room_of_user
  on chat_room (user_id, active_at desc, id desc)
  where deleted_at is null;

-- The last talk with each bot ever used, rooms left included.
create index chat_room_interaction
  on chat_room (user_id, chatbot_id, (coalesce(last_user_message_at, created_at)) desc);

-- Left rooms, for the clean-up.
create index chat_room_left
  on chat_room (deleted_at)
  where deleted_at is not null;

-- How a learner's politeness develops with a bot, across rooms.
create table intimacy_progress (
  user_id uuid not null,
  chatbot_id uuid not null references chatbot (id) on delete cascade,
  room_id uuid,
  intimacy_level smallint not null,
  analysed bigint not null default 0,
  corrected bigint not null default 0,
  last_feedback jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint intimacy_progress_pkey primary key (user_id, chatbot_id),
  constraint intimacy_progress_level check (intimacy_level between 1 and 3),
  constraint intimacy_progress_counts check (corrected between 0 and analysed)
);
