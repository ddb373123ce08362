with placed as (
  insert into "order" (id, user_id, currency, total_amount)
  values ($1, $2, $3, $4)
),
lines as (
  insert into order_item (order_id, position, item_id, name, unit_price, quantity)
  select $1, line.position, line.item_id, line.name, line.unit_price, line.quantity
  from
    unnest($6::uuid[], $7::text[], $8::bigint[], $9::integer[]) with ordinality
    as line (item_id, name, unit_price, quantity, position)
),
told as (
  insert into order_history (order_id, seq, kind, to_status, actor_id, data)
  values ($1, 1, 'PLACED', 'PENDING', $2, $5)
),
paying as (
  insert into payment (id, order_id, provider, method, token, currency, amount, version)
  select $10, $1, $11, $12, $13, $3, $4, 0
  where $10::uuid is not null
)
insert into saga (id, order_id, kind, step, deadline, data, lease_owner, lease_until, fence)
select
  $14,
  $1,
  'PLACE',
  'AUTHORISE',
  now() + make_interval(secs => $17::double precision),
  $18,
  $15,
  now() + make_interval(secs => $16::double precision),
  1
where $14::uuid is not null
