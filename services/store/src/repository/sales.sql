with changed as (
  select order_id, from_status, to_status
  from order_history
  where created_at >= $1
    and created_at < $2
    and from_status is distinct from to_status
    and to_status in ('CONFIRMED', 'CANCELLED')
),
moved as (
  select "order".currency, "order".total_amount as confirmed, 0 as refunded
  from changed
  join "order" on "order".id = changed.order_id
  where changed.to_status = 'CONFIRMED'
  union all
  select payment.currency, 0, refund.amount
  from refund
  join payment on payment.id = refund.payment_id
  where refund.state = 'DONE' and refund.updated_at >= $1 and refund.updated_at < $2
  union all
  -- What a cancellation gave back has no refund of its own.
  select
    payment.currency,
    0,
    payment.refunded_amount - coalesce(
      (select sum(amount) from refund where refund.payment_id = payment.id and refund.state = 'DONE'),
      0
    )
  from changed
  join payment on payment.order_id = changed.order_id
  where changed.to_status = 'CANCELLED' and changed.from_status = 'CONFIRMED'
)
select
  currency as "currency!",
  sum(confirmed)::bigint as "confirmed_amount!",
  sum(refunded)::bigint as "refunded_amount!"
from moved
group by currency
order by currency
