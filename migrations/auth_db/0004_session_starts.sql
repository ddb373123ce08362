-- When it was last told that a user was here, so that it is told once an hour.
create table session_start (
  -- Not a column of auth_user: a login holds a share of that row, and two logins of a user at the same moment would each
  -- wait for the other's to write it.
  user_id uuid primary key references auth_user (id) on delete cascade,
  told_at timestamptz not null
);

alter table session
  -- How many events have told of it: the sequence of the last one.
  add column events bigint not null default 0,
  add constraint session_events check (events >= 0);

-- Sessions in the order in which they were over. It also serves what session_expiry served.
create index session_over
  on session ((least(ended_at, expires_at)), id);

drop index session_expiry;
