select
  "order".id as "id: OrderId",
  "order".status as "status: OrderStatus",
  lines.items as "items!: Json<Vec<OrderItem>>",
  "order".total_amount,
  "order".currency,
  "order".failure_code as "failure_code: FailureCode",
  payment.id as "payment_id?: PaymentId",
  payment.status as "payment_status?: PaymentStatus",
  payment.method as "payment_method?",
  payment.amount as "payment_amount?",
  payment.refunded_amount as "payment_refunded_amount?",
  "order".created_at,
  "order".updated_at
from "order"
cross join lateral (
  select
    coalesce(
      jsonb_agg(
        jsonb_build_object(
          'itemId', item_id, 'name', name, 'unitPrice', unit_price, 'quantity', quantity
        )
        order by position
      ),
      '[]'
    ) as items
  from order_item
  where order_id = "order".id
) as lines
left join lateral (
  select *
  from payment
  where order_id = "order".id
  order by created_at desc
  limit 1
) as payment on true
where "order".id = any($1)
order by "order".created_at desc, "order".id desc
