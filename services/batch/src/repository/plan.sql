with mine as (
  select id
  from execution
  where id = $1 and fence = $2 and owner = $3 and end_time is null
  for share
),
planned as (
  insert into step (
    id, execution_id, name, position, status, exit_code, total_estimate, context, start_time, end_time
  )
  select
    part.id,
    mine.id,
    part.name,
    $5,
    $6,
    case when $6 = 'COMPLETED' then $6 else 'UNKNOWN' end,
    part.total,
    $10,
    case when $6 = 'COMPLETED' then now() end,
    case when $6 = 'COMPLETED' then now() end
  from mine
  cross join unnest($7::uuid[], $8::text[], $9::bigint[]) as part (id, name, total)
  on conflict (execution_id, name) do nothing
  returning id
),
begun as (
  insert into log (execution_id, step_name, level, message)
  select id, $4, 'INFO', $11
  from mine
  where exists (select from planned)
)
select id
from mine
