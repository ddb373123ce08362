with mine as (
  update execution
  set
    status = $4,
    exit_code = case
      when $4 <> 'COMPLETED' then $4
      when context ? 'exitCode' then context ->> 'exitCode'
      when exists (
        select from step
        where execution_id = $1 and read_skip_count + process_skip_count + write_skip_count > 0
      ) then 'COMPLETED_WITH_SKIPS'
      else 'COMPLETED'
    end,
    exit_message = $5,
    owner = null,
    lease_until = null,
    end_time = now(),
    last_updated = now()
  where id = $1 and fence = $2 and owner = $3 and end_time is null
  returning id, exit_code
),
left_over as (
  update step
  set
    status = case when failed.id is null then 'STOPPED' else 'FAILED' end,
    exit_code = case when failed.id is null then 'STOPPED' else 'FAILED' end,
    exit_message = failed.message,
    end_time = now(),
    items_per_second = null,
    last_updated = now()
  from mine
  join step as part on part.execution_id = mine.id
  left join unnest($6::uuid[], $7::text[]) as failed (id, message) on failed.id = part.id
  where step.id = part.id and part.status in ('STARTING', 'STARTED', 'STOPPING')
),
told as (
  insert into log (execution_id, level, message)
  select id, $8, exit_code || coalesce(': ' || $5, '')
  from mine
)
select exit_code as "exit_code!"
from mine
