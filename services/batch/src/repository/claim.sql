with due as (
  select id, owner as former, start_time is not null as again
  from execution
  where
    end_time is null
    and job_name = any($3)
    and (
      owner is null
      -- A clock that was set back leaves times that nobody can have meant: no lease is that long.
      or not lease_until between now() and now() + 2 * make_interval(secs => $2)
    )
  order by create_time, id
  limit $4
  for update skip locked
),
taken as (
  update execution
  set
    owner = $1,
    lease_until = now() + make_interval(secs => $2),
    fence = fence + 1,
    -- Who handed it on in an orderly way has left no name.
    takeovers = takeovers + case when due.former is not null then 1 else 0 end,
    status = case when stop_requested then 'STOPPING' else 'STARTED' end,
    start_time = coalesce(start_time, now()),
    last_updated = now()
  from due
  where execution.id = due.id
  returning
    execution.id, instance_id, job_name, fence, due.again, due.former, dry_run, stop_requested, create_time
),
told as (
  insert into log (execution_id, level, message)
  select
    id,
    case when former is null then 'INFO' else 'WARN' end,
    case
      when former is not null then 'taken over from ' || former || ' by ' || $1
      when again then 'taken up again by ' || $1
      else 'taken up by ' || $1
    end
  from taken
)
select
  taken.id as "id!: ExecutionId",
  taken.instance_id as "instance!: InstanceId",
  taken.job_name as "job!",
  taken.fence as "fence!",
  taken.again as "again!",
  taken.former as "former?",
  taken.dry_run as "dry_run!",
  taken.stop_requested as "stop_requested!",
  job_instance.as_of as "as_of!",
  (
    select coalesce(
      jsonb_agg(
        jsonb_build_object('name', name, 'type', type, 'value', value, 'identifying', identifying)
        order by name
      ),
      '[]'
    )
    from execution_parameter
    where execution_id = taken.id
  ) as "parameters!: Json<Vec<ParameterValue>>"
from taken
join job_instance on job_instance.id = taken.instance_id
order by taken.create_time, taken.id
