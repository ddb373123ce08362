-- Orders, what they hold and cost, and the saga that brings each to its end.
create table "order" (
  id uuid primary key,
  user_id uuid not null,
  status text not null default 'PENDING',
  currency text not null,
  total_amount bigint not null,
  failure_code text,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint order_status check (
    status in ('PENDING', 'CONFIRMED', 'SHIPPED', 'DELIVERED', 'CANCELLED', 'FAILED', 'REFUNDED')
  ),
  constraint order_currency check (currency ~ '^[A-Z]{3}$'),
  constraint order_total_amount check (total_amount >= 0),
  constraint order_failure_code check ((status = 'FAILED') = (failure_code is not null))
);

create index order_of_user
  on "order" (user_id, created_at desc, id desc);

create index order_by_status
  on "order" (status, created_at desc, id desc);

-- Name and price as they were when the order was placed.
create table order_item (
  order_id uuid not null references "order" (id) on delete cascade,
  position smallint not null,
  item_id uuid not null references store_item (id),
  name text not null,
  unit_price bigint not null,
  quantity integer not null,
  constraint order_item_pkey primary key (order_id, position),
  constraint order_item_once unique (order_id, item_id),
  constraint order_item_unit_price check (unit_price >= 0),
  constraint order_item_quantity check (quantity between 1 and 1000)
);

create index order_item_item
  on order_item (item_id);

-- Everything that happened to an order; its row can be rebuilt from here.
create table order_history (
  order_id uuid not null references "order" (id),
  seq integer not null,
  kind text not null,
  from_status text,
  to_status text not null,
  actor_id uuid,
  reason text,
  data jsonb not null default '{}',
  created_at timestamptz not null default now(),
  constraint order_history_pkey primary key (order_id, seq),
  constraint order_history_seq check (seq > 0)
);

create trigger order_history_grows
  before update or delete
  on order_history
  for each row
  execute function refuse_change();

-- Stock set aside for an order, until it is sold or the hold expires.
create table stock_hold (
  order_id uuid not null references "order" (id),
  item_id uuid not null references store_item (id),
  quantity integer not null,
  state text not null default 'HELD',
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint stock_hold_pkey primary key (order_id, item_id),
  constraint stock_hold_quantity check (quantity > 0),
  constraint stock_hold_state check (state in ('HELD', 'SOLD', 'RELEASED'))
);

create index stock_hold_expiry
  on stock_hold (expires_at)
  where state = 'HELD';

create table payment (
  id uuid primary key,
  order_id uuid not null references "order" (id),
  provider text not null,
  -- The provider's name for it, once it has one.
  provider_reference text,
  method text not null,
  -- The client's token for the means of payment. Useless without the provider's key.
  token text,
  status text not null default 'PENDING',
  currency text not null,
  amount bigint not null,
  refunded_amount bigint not null default 0,
  failure_code text,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint payment_provider_reference_key unique (provider, provider_reference),
  constraint payment_status check (
    status in (
      'PENDING', 'UNKNOWN', 'AUTHORISED', 'CAPTURED', 'DECLINED', 'CANCELLED', 'PARTIALLY_REFUNDED', 'REFUNDED'
    )
  ),
  constraint payment_currency check (currency ~ '^[A-Z]{3}$'),
  constraint payment_amount check (amount >= 0),
  constraint payment_refunded_amount check (refunded_amount between 0 and amount)
);

-- An order has at most one payment that took, or may have taken, money.
create unique index payment_live
  on payment (order_id)
  where status not in ('DECLINED', 'CANCELLED');

create index payment_of_order
  on payment (order_id, created_at);

create index payment_by_day
  on payment (created_at, id);

create table refund (
  id uuid primary key,
  payment_id uuid not null references payment (id),
  amount bigint not null,
  reason text not null,
  state text not null default 'PENDING',
  provider_reference text,
  actor_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint refund_amount check (amount > 0),
  constraint refund_reason check (char_length(reason) between 1 and 500),
  constraint refund_state check (state in ('PENDING', 'DONE', 'FAILED'))
);

create index refund_of_payment
  on refund (payment_id);

-- Webhooks as they came. The provider's event id makes a repeated one harmless.
create table payment_event (
  provider text not null,
  event_id text not null,
  payment_id uuid references payment (id),
  payload jsonb not null,
  received_at timestamptz not null default now(),
  applied_at timestamptz,
  constraint payment_event_pkey primary key (provider, event_id)
);

create index payment_event_unapplied
  on payment_event (received_at)
  where applied_at is null;

create table saga (
  id uuid primary key,
  order_id uuid not null references "order" (id),
  kind text not null,
  step text not null,
  state text not null default 'RUNNING',
  attempt integer not null default 0,
  -- When the next step is due, by the database's clock.
  next_at timestamptz not null default now(),
  deadline timestamptz not null,
  data jsonb not null default '{}',
  last_error text,
  lease_owner text,
  lease_until timestamptz,
  fence bigint not null default 0,
  -- Why a person ended it by hand.
  resolution text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint saga_kind check (kind in ('PLACE', 'CANCEL', 'REFUND')),
  constraint saga_state check (state in ('RUNNING', 'COMPENSATING', 'STUCK', 'COMPLETED', 'COMPENSATED', 'RESOLVED')),
  constraint saga_resolution check ((state = 'RESOLVED') = (resolution is not null)),
  constraint saga_lease check ((lease_owner is null) = (lease_until is null))
);

create index saga_of_order
  on saga (order_id);

create index saga_due
  on saga (next_at)
  where state in ('RUNNING', 'COMPENSATING');

create index saga_stuck
  on saga (updated_at desc, id desc)
  where state = 'STUCK';
