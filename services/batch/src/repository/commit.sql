with mine as (
  update execution
  set
    summary = case
      when $6 = '{}'::jsonb then summary
      else (
        select jsonb_object_agg(key, total)
        from (
          select key, sum(value::bigint)::bigint as total
          from (
            select key, value from jsonb_each_text(execution.summary)
            union all
            select key, value from jsonb_each_text($6)
          ) as number
          group by key
        ) as number
      )
    end,
    context = context || $7,
    last_updated = now()
  where id = $1 and fence = $2 and owner = $3 and end_time is null
  returning id, instance_id, stop_requested
),
moved as (
  update step
  set
    status = case when $9 then 'COMPLETED' else 'STARTED' end,
    exit_code = case when $9 then 'COMPLETED' else exit_code end,
    end_time = case when $9 then now() end,
    commit_count = commit_count + 1,
    read_count = read_count + $10,
    filter_count = filter_count + $11,
    write_count = write_count + $12,
    read_skip_count = read_skip_count + $13,
    process_skip_count = process_skip_count + $14,
    write_skip_count = write_skip_count + $15,
    total_estimate = coalesce($16, total_estimate),
    items_per_second = case when not $9 then $17::float8 end,
    context = $8,
    last_updated = now()
  from mine
  -- A commit whose answer was lost has moved it on: it must not count twice.
  where step.id = $4 and step.execution_id = mine.id and coalesce((step.context ->> 'chunk')::bigint, 0) = $5
  returning step.id
),
found as (
  insert into report_row (instance_id, content)
  select mine.instance_id, line.content
  from mine
  cross join unnest($18::jsonb[]) with ordinality as line (content, place)
  order by line.place
),
skipped as (
  insert into skipped_item (step_id, phase, item_key, payload_hash, error, item)
  select moved.id, item.phase, item.key, item.hash, item.error, item.content
  from moved
  cross join unnest($19::text[], $20::text[], $21::bytea[], $22::text[], $23::jsonb[])
    with ordinality as item (phase, key, hash, error, content, place)
  order by item.place
)
select
  mine.stop_requested as "stop_requested!",
  moved.id is not null as "moved!"
from mine
left join moved on true
