-- With a single item the guard of the update decides, however many wait for the row. Of several the rows are locked
-- already: what is read here is how they are.
with wanted as materialized (
  select item_id, quantity
  from unnest($2::uuid[], $3::integer[]) as wanted (item_id, quantity)
),
possible as materialized (
  select count(*) = cardinality($2::uuid[]) as possible
  from stock
  join wanted on wanted.item_id = stock.item_id and stock.available >= wanted.quantity
),
held as (
  update stock
  set available = stock.available - wanted.quantity, held = stock.held + wanted.quantity, updated_at = now()
  from wanted, possible
  where stock.item_id = wanted.item_id and stock.available >= wanted.quantity and possible.possible
  returning stock.item_id, wanted.quantity, stock.available
),
holds as (
  insert into stock_hold (order_id, item_id, quantity, expires_at)
  select $1, item_id, quantity, now() + make_interval(secs => $4)
  from held
),
booked as (
  insert into stock_ledger (item_id, kind, available_delta, held_delta, order_id)
  select item_id, 'HOLD', -quantity, quantity, $1
  from held
  order by item_id
)
select count(*) as "held!", min(available) as least
from held
