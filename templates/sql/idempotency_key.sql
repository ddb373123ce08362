-- Requests that must take effect once, with the answer to give when they come again.
create table idempotency_key (
  -- Who and what: the caller and the route, so that keys of strangers never meet.
  scope text not null,
  key text not null,
  -- SHA-256 of the request: the same key with another body is a mistake of the caller.
  request_hash bytea not null,
  state text not null default 'RUNNING',
  -- The last step that need not be done again when a crash interrupted the request.
  recovery_point text,
  status smallint,
  headers jsonb,
  body bytea,
  -- Past this, whoever ran the request is taken for dead.
  locked_until timestamptz,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '24 hours',
  constraint idempotency_key_pkey primary key (scope, key),
  constraint idempotency_key_length check (key <> '' and char_length(key) <= 255),
  constraint idempotency_key_request_hash check (octet_length(request_hash) = 32),
  constraint idempotency_key_state check (state in ('RUNNING', 'DONE')),
  constraint idempotency_key_answer check (state = 'RUNNING' or (status is not null and body is not null)),
  constraint idempotency_key_lock check (state = 'DONE' or locked_until is not null)
);

create index idempotency_key_expiry
  on idempotency_key (expires_at);
