-- The web client's archive of messages worth keeping.
create table bookmark (
  id uuid primary key,
  user_id uuid not null,
  message_id uuid not null,
  chatroom_id uuid not null,
  -- Copied from chat when the bookmark is saved: listing asks nobody.
  chatroom_name text,
  chatbot_id uuid not null,
  bot_type text,
  content text not null,
  corrected_content text,
  -- Comes back as it was sent, order of keys and all: hence json, not jsonb.
  ai_response json not null default '{}',
  created_at timestamptz not null default now(),
  -- A deleted bookmark stays as a place in the listing for the cursor that names it.
  deleted_at timestamptz,
  constraint bookmark_content check (char_length(content) <= 10000),
  constraint bookmark_corrected_content check (char_length(corrected_content) <= 10000),
  constraint bookmark_ai_response check (json_typeof(ai_response) = 'object')
);

create unique index bookmark_once
  on bookmark (user_id, message_id)
  where deleted_at is null;

create index bookmark_of_user
  on bookmark (user_id, created_at desc, id desc)
  where deleted_at is null;

create index bookmark_of_room
  on bookmark (user_id, chatroom_id, created_at desc)
  where deleted_at is null;

create index bookmark_deleted
  on bookmark (deleted_at)
  where deleted_at is not null;
