-- How often the item was about to sell out: the sequence of its stock-low events.
alter table stock add column low_count bigint not null default 0;

-- Listings by name, and of a category by price and by name.
create index store_item_by_name
  on store_item (name, id)
  where status = 'ACTIVE';

create index store_item_by_category_price
  on store_item (category, price, id)
  where status = 'ACTIVE';

create index store_item_by_category_name
  on store_item (category, name, id)
  where status = 'ACTIVE';

-- What is searched, made ready once: a search that reads along an order compares many rows.
alter table store_item
  add column search text not null generated always as (lower(name || ' ' || description)) stored;

drop index store_item_search;

create index store_item_search
  on store_item
  using gin (search gin_trgm_ops);

-- Words of one or two syllables have no trigram to look for: they are found by their letters.
create index store_item_search_letters
  on store_item
  using gin (string_to_array(search, null));
