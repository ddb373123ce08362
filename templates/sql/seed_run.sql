-- What `doran seed` has put into this database, so that a second run changes nothing and a larger one adds
-- only what is missing.
create table seed_run (
  profile text not null,
  number bigint not null,
  -- The load profile's users so far; 0 for demo.
  users bigint not null,
  row_count bigint not null,
  finished_at timestamptz not null default now(),
  constraint seed_run_pkey primary key (profile, number),
  constraint seed_run_users check (users >= 0),
  constraint seed_run_row_count check (row_count >= 0)
);
