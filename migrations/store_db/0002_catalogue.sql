-- What is for sale and how much of it there is.
create extension if not exists pg_trgm;

-- Refuses every change of a row: histories and ledgers only grow.
create function refuse_change()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception '% only grows: % is refused', tg_table_name, lower(tg_op) using errcode = '55000';
end
$$;

create table store_item (
  id uuid primary key,
  sku text not null,
  name text not null,
  description text not null default '',
  category text not null,
  -- In minor units of the currency; won has none.
  price bigint not null,
  currency text not null default 'KRW',
  status text not null default 'ACTIVE',
  image_url text,
  -- The item's ETag. Stock has its own row, so that a sale does not refuse an editor.
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint store_item_sku_key unique (sku),
  constraint store_item_sku check (sku ~ '^[A-Z0-9][A-Z0-9-]{1,39}$'),
  constraint store_item_name check (char_length(name) between 1 and 200),
  constraint store_item_description check (char_length(description) <= 5000),
  constraint store_item_category check (char_length(category) between 1 and 50),
  constraint store_item_price check (price >= 0),
  constraint store_item_currency check (currency ~ '^[A-Z]{3}$'),
  constraint store_item_status check (status in ('ACTIVE', 'INACTIVE', 'DISCONTINUED'))
);

-- Listings: newest, by category, by price; by keyset.
create index store_item_newest
  on store_item (created_at desc, id desc)
  where status = 'ACTIVE';

create index store_item_by_category
  on store_item (category, created_at desc, id desc)
  where status = 'ACTIVE';

create index store_item_by_price
  on store_item (price, id)
  where status = 'ACTIVE';

create index store_item_search
  on store_item
  using gin (lower(name || ' ' || description) gin_trgm_ops);

-- The balance of the ledger. Guarded updates of `available` are what prevents overselling.
create table stock (
  item_id uuid primary key references store_item (id),
  -- Everything that ever came in, less what was written off.
  initial bigint not null,
  available bigint not null,
  held bigint not null default 0,
  sold bigint not null default 0,
  updated_at timestamptz not null default now(),
  constraint stock_amounts check (available >= 0 and held >= 0 and sold >= 0),
  constraint stock_balance check (initial = available + held + sold)
)
with (fillfactor = 70);

create table stock_ledger (
  id bigint generated always as identity primary key,
  item_id uuid not null references store_item (id),
  kind text not null,
  initial_delta bigint not null default 0,
  available_delta bigint not null default 0,
  held_delta bigint not null default 0,
  sold_delta bigint not null default 0,
  order_id uuid,
  actor_id uuid,
  reason text,
  created_at timestamptz not null default now(),
  constraint stock_ledger_kind check (kind in ('ADJUST', 'HOLD', 'RELEASE', 'SELL', 'RETURN')),
  constraint stock_ledger_balance check (initial_delta = available_delta + held_delta + sold_delta),
  constraint stock_ledger_reason check (char_length(reason) <= 500)
);

create index stock_ledger_item
  on stock_ledger (item_id, id);

create index stock_ledger_order
  on stock_ledger (order_id)
  where order_id is not null;

create trigger stock_ledger_grows
  before update or delete
  on stock_ledger
  for each row
  execute function refuse_change();
