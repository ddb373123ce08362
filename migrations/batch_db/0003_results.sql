-- What jobs leave behind for people: reports and archives.
create table report (
  id uuid primary key,
  job_name text not null references batch_job (name),
  execution_id uuid references execution (id) on delete set null,
  period_start timestamptz not null,
  period_end timestamptz not null,
  content jsonb not null,
  created_at timestamptz not null default now(),
  constraint report_period_key unique (job_name, period_start, period_end),
  constraint report_period check (period_start < period_end)
);

create index report_newest
  on report (created_at desc, id desc);

create index report_of_job
  on report (job_name, period_start desc, id desc);

-- A file that rows were moved into. They may be deleted once it is complete and its checksum verified.
create table archive (
  id uuid primary key,
  job_name text not null references batch_job (name),
  execution_id uuid references execution (id) on delete set null,
  path text not null,
  period_start timestamptz not null,
  period_end timestamptz not null,
  row_count bigint not null,
  byte_count bigint not null,
  sha256 bytea not null,
  verified_at timestamptz,
  created_at timestamptz not null default now(),
  constraint archive_path_key unique (path),
  constraint archive_period check (period_start < period_end),
  constraint archive_counts check (row_count >= 0 and byte_count >= 0),
  constraint archive_sha256 check (octet_length(sha256) = 32)
);

create index archive_newest
  on archive (created_at desc, id desc);
