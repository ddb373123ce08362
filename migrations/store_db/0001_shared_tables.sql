-- The tables that every service has. Same text in every database: templates/sql is the original of each part.

-- Events of this service, written in the transaction that changes the state they tell of.
--
-- A row is born without a position, in the default partition, which therefore holds only what the sequencer
-- has not numbered yet. Numbering moves it into the partition of its position, so positions can be unique
-- although the table is partitioned, consumers never scan the unnumbered, and what is old is dropped by the
-- partition instead of deleted by the row.
create table outbox (
  -- Order of insertion. Gaps, and commits out of order, are normal: consumers follow `position`.
  id bigserial not null,
  position bigint,
  event_id uuid not null default gen_random_uuid(),
  event_type text not null,
  aggregate_type text not null,
  aggregate_id uuid not null,
  -- 1, 2, 3 … within the aggregate: its version, taken while its row is locked.
  sequence bigint not null,
  payload jsonb not null,
  -- W3C trace context of the request that caused the event.
  traceparent text,
  created_at timestamptz not null default now(),
  constraint outbox_position_key unique (position),
  constraint outbox_position check (position > 0),
  constraint outbox_sequence check (sequence > 0),
  constraint outbox_event_type check (event_type <> '' and char_length(event_type) <= 200),
  constraint outbox_aggregate_type check (aggregate_type <> '' and char_length(aggregate_type) <= 100),
  constraint outbox_traceparent check (char_length(traceparent) <= 128)
) partition by range (position);

create table outbox_default
  partition of outbox default
  -- It fills and empties all day long: keep it small.
  with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

create index outbox_unnumbered
  on outbox_default (id)
  where position is null;

-- The last position given out. Locking this row makes the sequencer one at a time.
create table outbox_sequencer (
  only_row boolean primary key default true,
  last_position bigint not null default 0,
  constraint outbox_sequencer_only_row check (only_row),
  constraint outbox_sequencer_last_position check (last_position >= 0)
);

insert into outbox_sequencer default values;

-- Makes the partition of a million positions that `at` falls into, and says whether it was missing. The
-- sequencer calls it before it numbers into a new million.
create function create_outbox_partition(at bigint)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '2s'
as $$
declare
  first bigint := (at / 1000000) * 1000000;
  name text := format('outbox_p%s', lpad((at / 1000000)::text, 6, '0'));
begin
  if at is null or at < 0 then
    raise exception 'a position is 0 or more, not %', at using errcode = '22023';
  end if;
  if to_regclass('public.' || name) is not null then
    return false;
  end if;
  lock table public.outbox_default in access exclusive mode;
  if to_regclass('public.' || name) is not null then
    return false;
  end if;
  execute format(
    'create table public.%I (like public.outbox including defaults including constraints)', name
  );
  execute format(
    'with moved as (delete from public.outbox_default where position >= %s and position < %s returning *)
     insert into public.%I select * from moved',
    first, first + 1000000, name
  );
  execute format(
    'alter table public.outbox attach partition public.%I for values from (%s) to (%s)',
    name, first, first + 1000000
  );
  return true;
end
$$;

-- Drops the partitions whose positions all lie below `keep_from`, and says how many there were.
create function drop_outbox_partitions(keep_from bigint)
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '2s'
as $$
declare
  name text;
  dropped integer := 0;
begin
  for name in
    select child.relname
    from pg_inherits
    join pg_class child on child.oid = pg_inherits.inhrelid
    where pg_inherits.inhparent = 'public.outbox'::regclass
      and child.relname ~ '^outbox_p[0-9]+$'
      and (substring(child.relname from '[0-9]+$')::bigint + 1) * 1000000 <= keep_from
    order by child.relname
  loop
    execute format('drop table public.%I', name);
    dropped := dropped + 1;
  end loop;
  return dropped;
end
$$;

revoke all on function create_outbox_partition(bigint) from public;
revoke all on function drop_outbox_partitions(bigint) from public;

select create_outbox_partition(0);

-- How far this service has followed the events of another. Stored in the transaction of the effect, so that
-- every event takes effect exactly once; going back is a replay.
create table consumer_position (
  consumer text not null,
  -- The service whose outbox is followed.
  source text not null,
  position bigint not null default 0,
  updated_at timestamptz not null default now(),
  constraint consumer_position_pkey primary key (consumer, source),
  constraint consumer_position_position check (position >= 0)
);

-- Events that failed every retry, put aside so that those behind them are not held up.
create table dead_letter (
  id uuid primary key default gen_random_uuid(),
  consumer text not null,
  source text not null,
  position bigint not null,
  event_id uuid not null,
  event_type text not null,
  aggregate_id uuid not null,
  -- The whole event as it was received.
  event jsonb not null,
  error text not null,
  attempts integer not null,
  state text not null default 'PARKED',
  reason text,
  parked_at timestamptz not null default now(),
  resolved_at timestamptz,
  constraint dead_letter_event_key unique (consumer, source, event_id),
  constraint dead_letter_attempts check (attempts > 0),
  constraint dead_letter_state check (state in ('PARKED', 'REPLAYED', 'DROPPED')),
  constraint dead_letter_resolved check ((state = 'PARKED') = (resolved_at is null))
);

create index dead_letter_parked
  on dead_letter (consumer, source, position)
  where state = 'PARKED';

-- Requests that must take effect once, with the answer to give when they come again.
create table idempotency_key (
  -- Who and what: the caller and the route, so that keys of strangers never meet.
  scope text not null,
  key text not null,
  -- SHA-256 of the request: the same key with another body is a mistake of the caller.
  request_hash bytea not null,
  state text not null default 'RUNNING',
  -- The last step that need not be done again when a crash interrupted the request.
  recovery_point text,
  status smallint,
  headers jsonb,
  body bytea,
  -- Past this, whoever ran the request is taken for dead.
  locked_until timestamptz,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '24 hours',
  constraint idempotency_key_pkey primary key (scope, key),
  constraint idempotency_key_length check (key <> '' and char_length(key) <= 255),
  constraint idempotency_key_request_hash check (octet_length(request_hash) = 32),
  constraint idempotency_key_state check (state in ('RUNNING', 'DONE')),
  constraint idempotency_key_answer check (state = 'RUNNING' or (status is not null and body is not null)),
  constraint idempotency_key_lock check (state = 'DONE' or locked_until is not null)
);

create index idempotency_key_expiry
  on idempotency_key (expires_at);

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
