with uneventful as (
  select execution.id, execution.instance_id
  from execution
  where
    triggered_by = 'schedule'
    and exit_code = 'COMPLETED'
    and not dry_run
    and end_time < now() - make_interval(secs => $1)
    and not exists (select from report where report.instance_id = execution.instance_id)
    and not exists (select from archive where archive.execution_id = execution.id)
    and not exists (
      select from skipped_item
      join step on step.id = skipped_item.step_id
      where step.execution_id = execution.id
    )
    -- One that failed before it was completed is worth knowing of.
    and not exists (
      select from execution as other
      where other.instance_id = execution.instance_id and other.id <> execution.id
    )
    and exists (
      select from execution as newer
      where newer.job_name = execution.job_name and newer.create_time > execution.create_time
    )
  order by end_time
  limit $2
  for update of execution skip locked
),
gone as (
  delete from execution
  using uneventful
  where execution.id = uneventful.id
)
delete from job_instance
using uneventful
where job_instance.id = uneventful.instance_id
