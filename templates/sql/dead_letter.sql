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
