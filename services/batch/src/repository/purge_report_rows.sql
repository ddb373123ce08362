-- From instance to instance by the index, however many lines each has.
with recursive with_rows as (
  (
    select instance_id
    from report_row
    order by instance_id
    limit 1
  )
  union all
  select (
    select instance_id
    from report_row
    where report_row.instance_id > with_rows.instance_id
    order by instance_id
    limit 1
  )
  from with_rows
  where with_rows.instance_id is not null
),
over as (
  select instance_id
  from with_rows
  where
    instance_id is not null
    and not exists (
      select from execution
      where
        execution.instance_id = with_rows.instance_id
        and (
          end_time is null
          or end_time > now() - make_interval(secs => $1)
          or status not in ('COMPLETED', 'ABANDONED')
        )
        -- An earlier failure of what was completed later does not keep them.
        and not exists (
          select from execution as later
          where
            later.instance_id = execution.instance_id
            and later.status in ('COMPLETED', 'ABANDONED')
            and later.create_time > execution.create_time
        )
    )
)
delete from report_row
where id in (
  select report_row.id
  from over
  join report_row on report_row.instance_id = over.instance_id
  limit $2
)
