-- What the engine needs beside Spring Batch's model.
alter table batch_job
  -- What becomes of a slot when an execution of the job still runs.
  add column concurrency text not null default 'FORBID',
  add constraint batch_job_concurrency check (concurrency in ('FORBID', 'REPLACE', 'ALLOW'));

-- The parameters of a job are in the code that runs it, and nowhere else.
alter table batch_job drop column parameters;

alter table job_instance
  -- What "now" means to the job, in every execution of the instance: the slot of the schedule, or when it was asked for.
  add column as_of timestamptz not null default now();

alter table execution
  -- Who asked for it: `schedule`, `operator`, or `user:<id>`.
  add column triggered_by text not null default 'schedule',
  -- How often another owner went on with it.
  add column takeovers integer not null default 0,
  -- The execution of the same instance that this one goes on from.
  add column restart_of uuid references execution (id) on delete set null,
  -- Numbers about what was done, by name.
  add column summary jsonb not null default '{}',
  add constraint execution_takeovers check (takeovers >= 0);

-- What nobody runs yet, the oldest first.
create index execution_waiting
  on execution (create_time)
  where end_time is null and owner is null;

-- Dry runs are taken away some time after their end.
create index execution_dry_run
  on execution (end_time)
  where dry_run;

-- Scheduled ones that left nothing behind, too.
create index execution_scheduled
  on execution (end_time)
  where triggered_by = 'schedule' and exit_code = 'COMPLETED' and not dry_run;

alter table step
  -- Steps run in this order; the parts of one step share it. The name of a part is `<step>:<part>`.
  add column position integer not null default 0,
  -- Of the part, while it runs.
  add column items_per_second double precision;

alter table skipped_item
  -- What is needed to try it again.
  add column item jsonb,
  add column state text not null default 'SKIPPED',
  add column resolved_at timestamptz,
  add constraint skipped_item_state check (state in ('SKIPPED', 'REDRIVEN', 'DROPPED')),
  add constraint skipped_item_resolved check ((state = 'SKIPPED') = (resolved_at is null));

alter table schedule_fire
  add column outcome text not null default 'FIRED',
  -- FORBIDDEN: an execution of the job was still running. MISSED: the slot was too long ago when it was found.
  add constraint schedule_fire_outcome check (outcome in ('FIRED', 'FORBIDDEN', 'MISSED'));

-- What is deleted is looked for in all that names it.
create index schedule_fire_of_execution
  on schedule_fire (execution_id)
  where execution_id is not null;

create index execution_restarted
  on execution (restart_of)
  where restart_of is not null;

create index report_of_execution
  on report (execution_id)
  where execution_id is not null;

create index archive_of_execution
  on archive (execution_id)
  where execution_id is not null;

-- Lines of a report, written with the chunk that found them. They belong to the instance: a restart goes on with them.
create table report_row (
  id bigint generated always as identity primary key,
  instance_id uuid not null references job_instance (id) on delete cascade,
  content jsonb not null
);

create index report_row_of_instance
  on report_row (instance_id, id);

-- A report belongs to an instance: its step, done twice, leaves one report. Its files are in the object store.
alter table report
  drop constraint report_period_key,
  drop column content,
  add column instance_id uuid not null references job_instance (id),
  add column summary jsonb not null default '{}',
  add column row_count bigint not null default 0,
  add column json_path text not null,
  add column csv_path text not null,
  -- Of a run that changed nothing: listed only when asked for.
  add column dry_run boolean not null default false,
  add constraint report_instance_key unique (instance_id);

-- An archive is a directory of numbered parts and a manifest, written last. Its checksum is that of all parts in order.
alter table archive
  add column part_count integer not null default 0,
  add column dropped_at timestamptz;

-- Listings, the newest first. Reports are listed by what they are about.
create index execution_of_status
  on execution (status, create_time desc, id desc);

drop index report_newest;

create index report_of_period
  on report (period_start desc, id desc);

-- Nobody else tries a skipped item again before this; afterwards it is when that was tried last.
alter table skipped_item
  add column held_until timestamptz;
