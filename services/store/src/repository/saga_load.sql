select
  saga.id as "id: SagaId",
  saga.kind as "kind: SagaKind",
  saga.step as "step: SagaStep",
  saga.state as "state: SagaState",
  saga.attempt,
  saga.fence,
  saga.data as "data: Json<Data>",
  now() >= saga.deadline as "overdue!",
  exists (
    select
    from saga as place
    where
      place.order_id = saga.order_id
      and place.id <> saga.id
      and place.kind = 'PLACE'
      and place.state in ('RUNNING', 'COMPENSATING', 'STUCK')
  ) as "preceded!",
  "order".id as "order: OrderId",
  "order".user_id as "user: UserId",
  "order".status as "status: OrderStatus",
  "order".cancel_requested_by as "cancel_requested_by: UserId",
  "order".total_amount,
  "order".currency,
  lines.items as "items!: Json<Vec<OrderItem>>",
  payment.id as "payment: PaymentId",
  payment.status as "payment_status: PaymentStatus",
  payment.provider_reference as reference,
  payment.method,
  payment.token,
  payment.amount
from saga
join "order" on "order".id = saga.order_id
join payment on payment.id = (saga.data ->> 'payment')::uuid
cross join lateral (
  select
    jsonb_agg(
      jsonb_build_object('itemId', item_id, 'name', name, 'unitPrice', unit_price, 'quantity', quantity)
      order by position
    ) as items
  from order_item
  where order_id = "order".id
) as lines
where saga.id = any ($1) and ($2::text is null or saga.lease_owner = $2)
