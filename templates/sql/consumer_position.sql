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
