-- Sagas by when they ended: what ended on a day is compared with the provider's books, however long ago it was paid for.
-- A saga enters the index once, with its last change.
create index saga_ended
  on saga (updated_at)
  include (order_id)
  where state in ('COMPLETED', 'COMPENSATED', 'RESOLVED');
