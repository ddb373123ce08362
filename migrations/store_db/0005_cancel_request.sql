-- Who wants the order cancelled. Kept on the order, whose lock every step of its sagas takes: a step that is under way
-- sees it before it goes on.
alter table "order" add column cancel_requested_by uuid;
