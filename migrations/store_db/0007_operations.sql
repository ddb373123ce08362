-- What administrators list and reports count.
create index order_by_time
  on "order" (created_at desc, id desc);

create index order_history_by_time
  on order_history (created_at);

create index refund_done_by_time
  on refund (updated_at)
  where state = 'DONE';

create index saga_open
  on saga (id desc)
  where state in ('RUNNING', 'COMPENSATING', 'STUCK');

create index bookmark_by_time
  on bookmark (created_at);
