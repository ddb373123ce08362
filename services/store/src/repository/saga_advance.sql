-- Nothing is written unless the saga is still the caller's: its fence is the one that the caller knows.
with moved as (
  update saga
  set
    step = $3,
    state = $4,
    attempt = $5,
    last_error = $6,
    resolution = $7,
    next_at = case
      when $9 then least(now() + make_interval(secs => $8), greatest(deadline, now()))
      else now() + make_interval(secs => $8)
    end,
    data = data || $10,
    lease_owner = $11,
    lease_until = case when $11::text is not null then now() + make_interval(secs => $12) end,
    fence = fence + $13,
    updated_at = now()
  where id = $1 and fence = $2 and state in ('RUNNING', 'COMPENSATING', 'STUCK')
  returning order_id, data
),
paid as (
  update payment
  set
    status = $15,
    provider_reference = coalesce($16, provider_reference),
    failure_code = coalesce($17, failure_code),
    version = version + $18,
    updated_at = now()
  from moved
  where payment.id = $14 and payment.order_id = moved.order_id
  returning payment.refunded_amount, payment.version
),
before as (
  select "order".id, "order".status
  from "order"
  join moved on moved.order_id = "order".id
),
changed as (
  update "order"
  set status = $19, failure_code = $20, version = version + 1, updated_at = now()
  from before
  where "order".id = before.id and $19::text is not null
  returning "order".id, before.status as from_status, "order".version
),
told as (
  insert into order_history (order_id, seq, kind, from_status, to_status, actor_id, reason, data)
  select
    id,
    (select coalesce(max(seq), 0) + 1 from order_history where order_id = changed.id),
    $19,
    from_status,
    $19,
    $21,
    $22,
    case when $20::text is null then '{}'::jsonb else jsonb_build_object('failureCode', $20::text) end
  from changed
)
select
  moved.data as "data!: Json<Data>",
  paid.refunded_amount as "refunded_amount?",
  paid.version as "payment_version?",
  changed.version as "order_version?"
from moved
left join paid on true
left join changed on true
