with mine as (
  update stock_hold
  set state = $3, updated_at = now()
  where order_id = $1 and state = $2
  returning item_id, quantity
),
locked as materialized (
  select stock.item_id, mine.quantity
  from stock
  join mine on mine.item_id = stock.item_id
  order by stock.item_id
  for update of stock
),
moved as (
  update stock
  set
    available = stock.available + $5::bigint * locked.quantity,
    held = stock.held + $6::bigint * locked.quantity,
    sold = stock.sold + $7::bigint * locked.quantity,
    updated_at = now()
  from locked
  where stock.item_id = locked.item_id
  returning stock.item_id, locked.quantity
)
insert into stock_ledger (item_id, kind, available_delta, held_delta, sold_delta, order_id)
select item_id, $4, $5::bigint * quantity, $6::bigint * quantity, $7::bigint * quantity, $1
from moved
order by item_id
