create table user_profile (
  id uuid primary key,
  email text not null,
  -- What e-mails are compared by; never written directly. Withdrawn accounts keep theirs taken.
  email_key text not null generated always as (lower(btrim(email))) stored,
  first_name text not null,
  last_name text not null,
  name text not null,
  picture text,
  info text,
  status text not null default 'ACTIVE',
  coach_check boolean not null default false,
  exit_modal_do_not_show_again boolean not null default false,
  last_conn_time timestamptz,
  -- PENDING: auth may not have the credentials yet, nobody sees the profile. ACTIVE: it has them, but was
  -- not told that both sides agree. CONFIRMED: done.
  signup_state text not null default 'CONFIRMED',
  -- Grows with every change; the ETag of the profile and the sequence of its events.
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint user_profile_email_key unique (email_key),
  constraint user_profile_email_shape check (email_key <> '' and char_length(email) <= 320),
  -- The rule is 50; a blank name becomes both of them with a space between.
  constraint user_profile_names check (
    char_length(first_name) <= 50
    and char_length(last_name) <= 50
    and char_length(name) <= 101
  ),
  constraint user_profile_info check (char_length(info) <= 100),
  constraint user_profile_status check (status in ('ACTIVE', 'INACTIVE', 'SUSPENDED')),
  constraint user_profile_signup_state check (signup_state in ('PENDING', 'ACTIVE', 'CONFIRMED'))
);

-- The sign-up healer reads only what is left over.
create index user_profile_unfinished
  on user_profile (created_at)
  where signup_state <> 'CONFIRMED';

-- The administrators' list, newest first, by keyset.
create index user_profile_listing
  on user_profile (created_at desc, id desc);

create table user_role (
  user_id uuid not null references user_profile (id) on delete cascade,
  role text not null,
  granted_at timestamptz not null default now(),
  constraint user_role_pkey primary key (user_id, role),
  constraint user_role_known check (role in ('ROLE_USER', 'ROLE_ADMIN'))
);

create table preference (
  user_id uuid not null references user_profile (id) on delete cascade,
  key text not null,
  value jsonb not null,
  updated_at timestamptz not null default now(),
  constraint preference_pkey primary key (user_id, key),
  constraint preference_key check (key <> '' and char_length(key) <= 100)
);
