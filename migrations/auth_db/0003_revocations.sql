-- When a user's access tokens stop counting although the user's sessions may live on.
alter table auth_user
  -- Access tokens that were issued before this, a whole second, are revoked. New ones are issued no earlier,
  -- so that those of the same second are not refused along with the old.
  add column tokens_not_before timestamptz not null default 'epoch',
  -- How often that was: the sequence of the events that tell of it.
  add column revocations bigint not null default 0,
  add constraint auth_user_revocations check (revocations >= 0);
