select
  execution.id as "id: ExecutionId",
  execution.job_name as job,
  parameter.list as "parameters!: Json<Vec<ParameterValue>>",
  execution.status as "status: ExecutionStatus",
  execution.exit_code,
  execution.exit_message,
  execution.dry_run,
  execution.triggered_by,
  execution.create_time,
  execution.start_time,
  execution.end_time,
  execution.owner,
  coalesce(execution.lease_until > now(), false) as "alive!",
  execution.takeovers,
  execution.restart_of as "restart_of: ExecutionId",
  step.list as "steps!: Json<Vec<Begun>>",
  execution.summary as "summary: Json<BTreeMap<String, i64>>"
from execution
cross join lateral (
  select
    coalesce(
      jsonb_agg(
        jsonb_build_object('name', name, 'type', type, 'value', value, 'identifying', identifying)
        order by name
      ),
      '[]'
    ) as list
  from execution_parameter
  where execution_id = execution.id
) as parameter
cross join lateral (
  select
    coalesce(
      jsonb_agg(
        jsonb_build_object(
          'name', step.name,
          'status', step.status,
          'read', step.read_count,
          'carried', coalesce(before.read_count, 0),
          'filtered', step.filter_count,
          'written', step.write_count,
          'skipped', step.read_skip_count + step.process_skip_count + step.write_skip_count,
          'commits', step.commit_count,
          'rollbacks', step.rollback_count,
          'total', step.total_estimate,
          'rate', step.items_per_second,
          'startTime', step.start_time,
          'endTime', step.end_time,
          'exitMessage', step.exit_message
        )
        order by step.position, step.name
      ),
      '[]'
    ) as list
  from step
  left join step as before
    on before.execution_id = execution.restart_of and before.name = step.name
  where step.execution_id = execution.id
) as step
where execution.id = any($1)
order by execution.create_time desc, execution.id desc
