-- $1 to $4: accounts as they were seen, and the addresses that they get; $5 to $7: what they are called from now on.
with locked as materialized (
  select p.id, p.email_key, seen.pseudonym
  from user_profile p
  join unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::text[])
    as seen (id, since, version, pseudonym)
    on seen.id = p.id
  where p.status = 'INACTIVE'
    and p.pseudonymised_at is null
    and p.version = seen.version
    and p.inactive_since = seen.since
  order by p.id
  for no key update of p skip locked
),
kept as (
  insert into withdrawn_address (digest)
  select sha256(convert_to(email_key, 'UTF8')) as digest
  from locked
  order by digest
  on conflict (digest) do nothing
),
forgotten as (
  delete from preference f
  using locked
  where f.user_id = locked.id
)
update user_profile p
set
  email = locked.pseudonym,
  first_name = $5,
  last_name = $6,
  name = $7,
  picture = null,
  info = null,
  coach_check = false,
  exit_modal_do_not_show_again = false,
  pseudonymised_at = now(),
  version = p.version + 1,
  updated_at = now()
from locked
where p.id = locked.id
returning
  p.id as "id: UserId",
  p.email,
  p.name,
  case
    when exists (select from user_role r where r.user_id = p.id and r.role = 'ROLE_ADMIN')
    then 'ROLE_ADMIN'
    else 'ROLE_USER'
  end as "role!: Role",
  p.status as "status: UserStatus",
  p.version
