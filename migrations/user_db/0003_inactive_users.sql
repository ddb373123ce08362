-- Accounts that are closed because nobody uses them, and what is left of them when they have been closed for long.
alter table user_profile
  -- Since when the account is closed; null while it is not.
  add column inactive_since timestamptz,
  -- When everything that says who the user was was taken out.
  add column pseudonymised_at timestamptz,
  add constraint user_profile_pseudonymised check (pseudonymised_at is null or status <> 'ACTIVE');

-- The last change is the closest that is known of accounts that are closed already.
update user_profile
set inactive_since = updated_at
where status = 'INACTIVE';

-- Nobody noted when users were here until now. Counted from now on, nobody is taken for gone who only was not noticed.
update user_profile
set last_conn_time = now()
where status = 'ACTIVE' and last_conn_time is null;

-- Whoever closes or opens an account, also a version of the service that does not know the column.
create function note_inactive_since()
  returns trigger
  language plpgsql
as $$
begin
  new.inactive_since := case when new.status = 'INACTIVE' then coalesce(new.inactive_since, now()) end;
  return new;
end
$$;

create trigger user_profile_closed_from_the_start
  before insert on user_profile
  for each row
  when (new.status = 'INACTIVE')
  execute function note_inactive_since();

create trigger user_profile_status
  before update of status on user_profile
  for each row
  when (old.status is distinct from new.status)
  execute function note_inactive_since();

-- Open accounts, the one that was not used for longest first.
create index user_profile_idle
  on user_profile ((coalesce(last_conn_time, created_at)), id)
  where status = 'ACTIVE' and signup_state <> 'PENDING';

-- Closed accounts that still say who their users were, the longest closed first.
create index user_profile_withdrawn
  on user_profile (inactive_since, id)
  where status = 'INACTIVE' and pseudonymised_at is null;

-- Addresses of accounts that were pseudonymised, which stay taken. Whose they were is not here, on purpose
-- (docs/decisions/0010-addresses-of-withdrawn-accounts.md).
create table withdrawn_address (
  -- SHA-256 of what addresses are compared by: lower case, without surrounding space, UTF-8.
  digest bytea primary key,
  constraint withdrawn_address_digest check (octet_length(digest) = 32)
);
