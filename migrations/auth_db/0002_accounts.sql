-- Credentials, with auth's own copy of what tokens say about a user. The profile itself is user's.
create table auth_user (
  id uuid primary key,
  email text not null,
  -- What e-mails are compared by, here and nowhere else; never written directly.
  email_key text not null generated always as (lower(btrim(email))) stored,
  -- Argon2id in PHC form.
  password_hash text not null,
  name text not null,
  role text not null default 'ROLE_USER',
  status text not null default 'ACTIVE',
  -- PENDING between the two halves of a sign-up; a pending credential opens nothing.
  signup_state text not null default 'ACTIVE',
  -- The profile's version this copy was taken from: an older event never overwrites a newer copy.
  profile_version bigint not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint auth_user_email_key unique (email_key),
  constraint auth_user_email_shape check (email_key <> '' and char_length(email) <= 320),
  constraint auth_user_role check (role in ('ROLE_USER', 'ROLE_ADMIN')),
  constraint auth_user_status check (status in ('ACTIVE', 'INACTIVE', 'SUSPENDED')),
  constraint auth_user_signup_state check (signup_state in ('PENDING', 'ACTIVE'))
);

-- The sign-up healer reads only what is left over.
create index auth_user_pending
  on auth_user (created_at)
  where signup_state = 'PENDING';

-- One login. It is also the family of the refresh tokens that descend from that login.
create table session (
  id uuid primary key,
  user_id uuid not null references auth_user (id) on delete cascade,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  end_reason text,
  ip_address inet,
  user_agent text,
  constraint session_end check ((ended_at is null) = (end_reason is null)),
  constraint session_end_reason check (end_reason in ('LOGOUT', 'REUSE', 'STATUS', 'PASSWORD', 'REVOKED')),
  constraint session_user_agent check (char_length(user_agent) <= 512)
);

create index session_by_user
  on session (user_id, last_used_at desc);

create index session_expiry
  on session (expires_at);

-- Refresh tokens. Only hashes: who reads this table can refresh nothing.
create table token (
  hash bytea primary key,
  session_id uuid not null references session (id) on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  -- When it was exchanged for its successor; presented again later than the grace, it ends the session.
  rotated_at timestamptz,
  constraint token_hash check (octet_length(hash) = 32)
);

create index token_session
  on token (session_id);

create index token_expiry
  on token (expires_at);

-- Keys that sign access tokens, sealed with a key that is not in the database.
create table signing_key (
  kid text primary key,
  algorithm text not null,
  -- nonce || AES-256-GCM(PKCS#8), with the kid as associated data.
  sealed_private_key bytea not null,
  public_jwk jsonb not null,
  state text not null,
  created_at timestamptz not null default now(),
  signing_since timestamptz,
  retired_at timestamptz,
  constraint signing_key_algorithm check (algorithm in ('ES256', 'RS256')),
  constraint signing_key_state check (state in ('PUBLISHED', 'SIGNING', 'RETIRED'))
);

create unique index signing_key_one_signs
  on signing_key (algorithm)
  where state = 'SIGNING';

-- Recent failed logins as leaking buckets. Keys are hashes of account, network, or both: no e-mail or address
-- is kept here.
create table login_throttle (
  key bytea primary key,
  -- Seconds until the bucket is empty again, as of updated_at.
  level double precision not null,
  updated_at timestamptz not null default now(),
  constraint login_throttle_key check (octet_length(key) = 32),
  constraint login_throttle_level check (level >= 0)
);

create index login_throttle_age
  on login_throttle (updated_at);

-- What happened to accounts and sessions, for the security trail. Append only.
create table audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  kind text not null,
  user_id uuid,
  session_id uuid,
  ip_address inet,
  detail jsonb
);

create index audit_user
  on audit (user_id, at desc);

create index audit_time
  on audit (at);
