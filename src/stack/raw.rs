//! The file format of `dorandoran.yaml`, a mirror of what may be written: every key is optional, and every
//! value knows its place. Meaning, defaults and rules across keys are in `resolve/`.
//!
//! The comments on the fields are the descriptions in the JSON Schema.

use contract::gateway::Access;
use schemars::JsonSchema;

use super::decode::{Decode, Decoder, Period, Port, PortRange, Table, Text, Words};
use super::model::{Condition, RestartPolicy};
use super::node::{Kind, Node, Value};
use super::place::At;
use super::share::Share;

/// Declares sections: structs of optional fields with places, whose decoder refuses every other key.
macro_rules! sections {
    ($($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* $field:ident: $kind:ty,)* })*) => {$(
        #[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
        $(#[$meta])*
        #[schemars(deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[$field_meta])* pub(crate) $field: Option<At<$kind>>,)*
        }

        impl Decode for $name {
            fn decode(node: &Node, cx: &mut Decoder) -> Option<Self> {
                cx.section(node, &[$(stringify!($field)),*])?;
                Some(Self { $($field: cx.field(node, stringify!($field)),)* })
            }
        }
    )*};
}

sections! {
    /// The stack of `DoranDoran`: what runs on one machine, and how.
    #[schemars(title = "dorandoran.yaml")]
    pub struct RawStack {
        /// Name of the stack; part of the names of what it creates.
        name: String,
        /// Ports that further replicas of a service get, e.g. `18080-18179`.
        replica_ports: PortRange,
        /// PostgreSQL databases by name, each in a cluster of its own.
        databases: Table<RawDatabase>,
        /// Redis; without this section the stack runs without.
        cache: RawCache,
        /// What services do that say nothing else.
        defaults: RawDefaults,
        /// Services by name. The name is also the name in routes and in the instance registry.
        services: Table<RawService>,
        /// What the gateway lets in, and where it goes.
        gateway: RawGateway,
        /// Objectives by name: what users may expect of services.
        slos: Table<RawSlo>,
    }

    /// A PostgreSQL database in a cluster of its own.
    pub struct RawDatabase {
        /// Port of the cluster on 127.0.0.1.
        port: Port,
        /// Directory of the migrations, relative to the stack file; default `migrations/<name>`.
        migrations: String,
        /// Put the demo data in when the database is new; default false.
        seed: bool,
        /// PostgreSQL settings on top of ours, e.g. `max_connections: 200`.
        settings: Table<Text>,
    }

    /// Redis, or Valkey.
    pub struct RawCache {
        /// Port on 127.0.0.1.
        port: Port,
    }

    /// What services do that say nothing else.
    pub struct RawDefaults {
        /// How to tell that a service is ready.
        probe: RawProbe,
        /// A service that is not ready after this long has failed.
        start_timeout: Period,
        /// A service that has not stopped after this long is killed.
        stop_timeout: Period,
        /// When and how fast to start a service again.
        restart: RawRestart,
    }

    /// One service, in one or more replicas.
    pub struct RawService {
        /// Name of the binary beside `doran`, or a path relative to the stack file; default: the service's name.
        binary: String,
        /// Arguments of the binary.
        args: Vec<Text>,
        /// Port of the first replica.
        port: Port,
        /// How many of it run; default 1.
        replicas: u32,
        /// Ports of the replicas after the first; default: the next free ones of the stack's `replica_ports`.
        replica_ports: Vec<At<Port>>,
        /// Its database. The service starts when this is migrated and seeded, unless `depends_on` says otherwise.
        database: String,
        /// `doran` opens the port and the service inherits it, so that a restart refuses no connection.
        inherit_listener: bool,
        /// What has to be there first: units, services or databases, each with the condition to wait for.
        depends_on: Table<Condition>,
        /// How to tell that it is ready.
        probe: RawProbe,
        /// Not ready after this long means failed.
        start_timeout: Period,
        /// Killed when it has not stopped after this long.
        stop_timeout: Period,
        /// When and how fast to start it again.
        restart: RawRestart,
        /// Environment variables on top of those that `doran` sets.
        env: Table<Text>,
    }

    /// A probe by HTTP on the service's port.
    pub struct RawHttpProbe {
        /// `GET` of this path answers 2xx when the service is ready.
        http: String,
        /// Asked when that says no: answers 2xx when the service only waits for something, and need not be
        /// restarted. Without it any answer is a sign of life.
        liveness: String,
    }

    /// When and how fast to start a service again.
    pub struct RawRestart {
        /// Which ends of a process call for a new one.
        policy: RestartPolicy,
        /// The first restart is immediate; later ones wait from this, doubling, with jitter.
        backoff: Period,
        /// The longest wait.
        max_backoff: Period,
        /// This many failures without a stable minute between them make a crash loop.
        crash_loop_after: u32,
    }

    /// The gateway's configuration. It is handed over at once when it changes, without a restart.
    pub struct RawGateway {
        /// Which web pages may call.
        cors: RawCors,
        /// CIDR blocks whose `X-Forwarded-For` is believed.
        trusted_proxies: Vec<At<String>>,
        /// Routes by name. The most specific path wins.
        routes: Table<RawRoute>,
    }

    /// Which web pages may call.
    pub struct RawCors {
        /// Origins as `scheme://host` with an optional `:port`; `:*` allows any port.
        allowed_origins: Vec<At<String>>,
    }

    /// Requests that go to one service.
    pub struct RawRoute {
        /// Path patterns: literal segments, `*` for one segment, a final `**` for any rest.
        paths: Vec<At<String>>,
        /// The service that answers.
        service: String,
        /// Who may pass.
        access: Access,
        /// What of it is open to anybody: a path pattern, with a method before it to mean only that one.
        public: Vec<At<String>>,
        /// Per user, or per address of callers without a token.
        rate_limit: RawRateLimit,
        /// Total budget of a request, retries included.
        timeout: Period,
    }

    /// A sustained rate with a burst on top.
    pub struct RawRateLimit {
        /// Requests per second.
        per_second: u32,
        /// Requests at once.
        burst: u32,
    }

    /// A share of requests that are answered well, over a time.
    pub struct RawSlo {
        /// What makes a request a good one.
        kind: SloKind,
        /// A service, or `all`: every service that a route leads to, each by itself. Default `all`.
        service: String,
        /// How many of the requests have to be good, in percent; at most four decimals.
        objective: Share,
        /// With `kind: latency`, answered within this is good: a boundary of the services' histogram.
        threshold: Period,
        /// The time that the objective speaks of; default 30d.
        window: Period,
    }
}

/// What makes a request a good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub(super) enum SloKind {
    /// It is not answered with a 5xx.
    Availability,
    /// It is answered within the threshold.
    Latency,
}

/// How to tell that a service is ready: `{http: /path}`, `tcp` or `none`.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub(super) enum RawProbe {
    Http(RawHttpProbe),
    Word(ProbeWord),
}

/// Probes that need no more than their name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub(super) enum ProbeWord {
    /// The port accepts a connection.
    Tcp,
    /// Running is ready.
    None,
}

impl Decode for RawProbe {
    fn decode(node: &Node, cx: &mut Decoder) -> Option<Self> {
        let word = match &node.value {
            Value::Map(_) => return RawHttpProbe::decode(node, cx).map(Self::Http),
            Value::Scalar(Kind::Text | Kind::Untyped, text) => {
                ProbeWord::WORDS.iter().find(|(word, _)| word == text).map(|(_, word)| Self::Word(*word))
            }
            Value::Scalar(Kind::Bool | Kind::Number, _) | Value::List(_) | Value::Null => None,
        };
        if word.is_none() {
            cx.error(node, "expected `{http: /path}`, `tcp` or `none`", None);
        }
        word
    }
}

impl Words for ProbeWord {
    const WORDS: &'static [(&'static str, Self)] = &[("tcp", Self::Tcp), ("none", Self::None)];
}

impl Words for SloKind {
    const WORDS: &'static [(&'static str, Self)] =
        &[("availability", Self::Availability), ("latency", Self::Latency)];
}

impl Words for Condition {
    const WORDS: &'static [(&'static str, Self)] =
        &[("started", Self::Started), ("healthy", Self::Healthy), ("completed", Self::Completed)];
}

impl Words for RestartPolicy {
    const WORDS: &'static [(&'static str, Self)] =
        &[("always", Self::Always), ("on-failure", Self::OnFailure), ("never", Self::Never)];
}

impl Words for Access {
    const WORDS: &'static [(&'static str, Self)] =
        &[("public", Self::Public), ("token", Self::Token), ("admin", Self::Admin)];
}
