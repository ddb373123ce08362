-- The job repository: Spring Batch's model and words, with leases where it has none.
create table batch_job (
  name text primary key,
  description text not null,
  -- [{"name","type","default","required","identifying"}]
  parameters jsonb not null default '[]',
  cron text,
  zone text not null default 'Asia/Seoul',
  enabled boolean not null default true,
  -- What becomes of slots that passed while nobody could fire them.
  misfire text not null default 'RUN_ONCE',
  next_fire_at timestamptz,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint batch_job_name check (name ~ '^[a-z][a-z0-9-]{0,99}$'),
  constraint batch_job_misfire check (misfire in ('SKIP', 'RUN_ONCE', 'RUN_ALL')),
  constraint batch_job_schedule check (cron is not null or next_fire_at is null)
);

create index batch_job_due
  on batch_job (next_fire_at)
  where enabled;

-- A job with its identifying parameters: what can be complete only once.
create table job_instance (
  id uuid primary key,
  job_name text not null references batch_job (name),
  -- SHA-256 of the identifying parameters.
  job_key bytea not null,
  created_at timestamptz not null default now(),
  constraint job_instance_key unique (job_name, job_key),
  constraint job_instance_job_key check (octet_length(job_key) = 32)
);

create table execution (
  id uuid primary key,
  instance_id uuid not null references job_instance (id),
  job_name text not null references batch_job (name),
  status text not null default 'STARTING',
  exit_code text not null default 'UNKNOWN',
  exit_message text,
  dry_run boolean not null default false,
  -- Carried from chunk to chunk; where a restart goes on.
  context jsonb not null default '{}',
  stop_requested boolean not null default false,
  -- Who runs it, until when that is believed, and the number that an overtaken owner no longer matches.
  owner text,
  lease_until timestamptz,
  fence bigint not null default 0,
  create_time timestamptz not null default now(),
  start_time timestamptz,
  end_time timestamptz,
  last_updated timestamptz not null default now(),
  constraint execution_status check (
    status in ('STARTING', 'STARTED', 'STOPPING', 'STOPPED', 'COMPLETED', 'FAILED', 'ABANDONED', 'UNKNOWN')
  ),
  constraint execution_exit_message check (char_length(exit_message) <= 2500),
  constraint execution_end check ((end_time is null) = (status in ('STARTING', 'STARTED', 'STOPPING'))),
  constraint execution_lease check ((owner is null) = (lease_until is null))
);

-- The start rule that no race can break: one running execution per instance.
create unique index execution_running
  on execution (instance_id)
  where end_time is null;

create index execution_of_instance
  on execution (instance_id, create_time desc);

create index execution_of_job
  on execution (job_name, create_time desc, id desc);

create index execution_newest
  on execution (create_time desc, id desc);

create index execution_lost
  on execution (lease_until)
  where end_time is null;

create table execution_parameter (
  execution_id uuid not null references execution (id) on delete cascade,
  name text not null,
  type text not null,
  value text not null,
  identifying boolean not null,
  constraint execution_parameter_pkey primary key (execution_id, name),
  constraint execution_parameter_type check (type in ('string', 'long', 'double', 'date', 'boolean'))
);

create table step (
  id uuid primary key,
  execution_id uuid not null references execution (id) on delete cascade,
  name text not null,
  status text not null default 'STARTING',
  commit_count bigint not null default 0,
  read_count bigint not null default 0,
  filter_count bigint not null default 0,
  write_count bigint not null default 0,
  read_skip_count bigint not null default 0,
  process_skip_count bigint not null default 0,
  write_skip_count bigint not null default 0,
  rollback_count bigint not null default 0,
  -- How many items there are, as far as the source can tell.
  total_estimate bigint,
  context jsonb not null default '{}',
  exit_code text not null default 'UNKNOWN',
  exit_message text,
  start_time timestamptz,
  end_time timestamptz,
  last_updated timestamptz not null default now(),
  constraint step_name_key unique (execution_id, name),
  constraint step_status check (
    status in ('STARTING', 'STARTED', 'STOPPING', 'STOPPED', 'COMPLETED', 'FAILED', 'ABANDONED', 'UNKNOWN')
  ),
  constraint step_exit_message check (char_length(exit_message) <= 2500)
);

-- Items that a step could not process and went on without.
create table skipped_item (
  id bigint generated always as identity primary key,
  step_id uuid not null references step (id) on delete cascade,
  phase text not null,
  item_key text not null,
  payload_hash bytea,
  error text not null,
  created_at timestamptz not null default now(),
  constraint skipped_item_phase check (phase in ('READ', 'PROCESS', 'WRITE'))
);

create index skipped_item_step
  on skipped_item (step_id, id);

create table log (
  id bigint generated always as identity primary key,
  execution_id uuid not null references execution (id) on delete cascade,
  step_name text,
  level text not null,
  message text not null,
  created_at timestamptz not null default now(),
  constraint log_level check (level in ('TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR'))
);

create index log_of_execution
  on log (execution_id, id);

-- Every slot of a schedule fires once, whichever instance is first.
create table schedule_fire (
  job_name text not null references batch_job (name) on delete cascade,
  slot timestamptz not null,
  execution_id uuid references execution (id) on delete set null,
  fired_at timestamptz not null default now(),
  constraint schedule_fire_pkey primary key (job_name, slot)
);
