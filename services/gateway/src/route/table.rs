//! The routing table: compiled once from the configuration, then only read.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use contract::gateway::{self, Access, GatewayConfig};
use http::Method;
use thiserror::Error;

use super::pattern::{Pattern, PatternFault};
use crate::limit::Limit;

/// First segments that belong to the services' own operation and must never be reachable.
const NEVER_ROUTED: [&str; 2] = ["internal", "actuator"];
/// The web client gives up after 15 s; its routes must end well before that.
const MAX_TIMEOUT: Duration = Duration::from_mins(10);

#[derive(Debug)]
pub(crate) struct RouteTable {
    /// The most specific pattern first.
    entries: Vec<(Pattern, Arc<Route>)>,
}

#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) id: Arc<str>,
    pub(crate) service: Arc<str>,
    pub(crate) access: Access,
    public: Vec<(Option<Method>, Pattern)>,
    pub(crate) limit: Limit,
    pub(crate) timeout: Duration,
}

/// A route that matched, and by which of its patterns.
#[derive(Debug, Clone)]
pub(crate) struct Matched {
    pub(crate) route: Arc<Route>,
    /// The `uri` of metrics: never the path itself, which has no bound.
    pub(crate) pattern: Arc<str>,
    /// What the path becomes, when it does not stay as it is.
    pub(crate) rewritten: Option<String>,
    pub(crate) access: Access,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum TableFault {
    #[error("there are no routes")]
    Empty,
    #[error("route `{0}` is there twice")]
    Twice(String),
    #[error("route `{route}`: {fault}")]
    Pattern { route: String, fault: PatternFault },
    #[error("route `{route}`: `{pattern}` would open the services' own operation to the world")]
    NeverRouted { route: String, pattern: String },
    #[error("route `{0}` has no path")]
    NoPath(String),
    #[error("route `{0}` names no service")]
    NoService(String),
    #[error("route `{0}`: the rate limit needs at least 1 per second and a burst of 1")]
    Limit(String),
    #[error("route `{0}`: the timeout is not between 1 ms and 10 minutes")]
    Timeout(String),
    #[error("route `{route}`: `{method}` is not a method")]
    Method { route: String, method: String },
}

impl RouteTable {
    pub(crate) fn compile(config: &GatewayConfig) -> Result<Self, TableFault> {
        let mut ids = HashSet::new();
        let mut entries = Vec::new();
        for raw in &config.routes {
            if !ids.insert(raw.id.as_str()) {
                return Err(TableFault::Twice(raw.id.clone()));
            }
            let route = Arc::new(Route::compile(raw)?);
            for path in &raw.paths {
                entries.push((routed_pattern(&raw.id, path)?, Arc::clone(&route)));
            }
        }
        if entries.is_empty() {
            return Err(TableFault::Empty);
        }
        entries.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.specificity()));
        Ok(Self { entries })
    }

    /// Finds the route of a path that has been screened.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Option<Matched> {
        let (pattern, route) = self.entries.iter().find(|(pattern, _)| pattern.matches(path))?;
        let rewritten = well_known(path);
        let effective = rewritten.as_deref().unwrap_or(path);
        Some(Matched {
            route: Arc::clone(route),
            pattern: pattern.shared(),
            access: route.access_to(method, path, effective),
            rewritten,
        })
    }
}

/// Discovery documents are asked for at the root of the public address; auth serves them below its base.
fn well_known(path: &str) -> Option<String> {
    path.starts_with("/.well-known/").then(|| format!("/api/auth{path}"))
}

impl Route {
    fn compile(raw: &gateway::Route) -> Result<Self, TableFault> {
        if raw.paths.is_empty() {
            return Err(TableFault::NoPath(raw.id.clone()));
        }
        if raw.service.is_empty() {
            return Err(TableFault::NoService(raw.id.clone()));
        }
        let timeout = Duration::from_millis(raw.timeout_ms);
        if timeout.is_zero() || timeout > MAX_TIMEOUT {
            return Err(TableFault::Timeout(raw.id.clone()));
        }
        Ok(Self {
            id: raw.id.as_str().into(),
            service: raw.service.as_str().into(),
            access: raw.access,
            public: raw.public.iter().map(|open| public_path(&raw.id, open)).collect::<Result<_, _>>()?,
            limit: Limit::new(raw.rate_limit.per_second, raw.rate_limit.burst)
                .ok_or_else(|| TableFault::Limit(raw.id.clone()))?,
            timeout,
        })
    }

    fn access_to(&self, method: &Method, asked: &str, effective: &str) -> Access {
        let open = self.public.iter().any(|(allowed, pattern)| {
            allowed.as_ref().is_none_or(|allowed| covers(allowed, method))
                && (pattern.matches(effective) || pattern.matches(asked))
        });
        if open { Access::Public } else { self.access }
    }
}

/// Whoever may GET may HEAD.
fn covers(allowed: &Method, method: &Method) -> bool {
    allowed == method || (allowed == Method::GET && method == Method::HEAD)
}

fn routed_pattern(route: &str, path: &str) -> Result<Pattern, TableFault> {
    let pattern = Pattern::parse(path).map_err(|fault| TableFault::Pattern { route: route.into(), fault })?;
    // A pattern that starts with `*` or `**` could match them too.
    if pattern.first_literal().is_none_or(|first| NEVER_ROUTED.contains(&first)) {
        return Err(TableFault::NeverRouted { route: route.into(), pattern: path.into() });
    }
    Ok(pattern)
}

fn public_path(route: &str, open: &gateway::PublicPath) -> Result<(Option<Method>, Pattern), TableFault> {
    let pattern =
        Pattern::parse(&open.path).map_err(|fault| TableFault::Pattern { route: route.into(), fault })?;
    let method = open.method.as_ref().map(|method| {
        let known = Method::from_bytes(method.as_bytes()).ok();
        known.ok_or_else(|| TableFault::Method { route: route.into(), method: method.clone() })
    });
    Ok((method.transpose()?, pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standard() -> RouteTable {
        RouteTable::compile(&GatewayConfig::standard()).expect("the standard routes compile")
    }

    #[test]
    fn every_path_of_the_api_takes_its_route_with_its_access() {
        let table = standard();
        for (method, path, route, access) in [
            ("POST", "/api/auth/login", "auth", Access::Public),
            ("POST", "/api/auth/logout", "auth", Access::Public),
            ("POST", "/api/auth/password/reset/request", "auth", Access::Public),
            ("POST", "/api/auth/password/change", "auth", Access::Token),
            ("GET", "/api/auth/me", "auth", Access::Token),
            ("GET", "/.well-known/jwks.json", "auth", Access::Public),
            ("GET", "/api/auth/.well-known/jwks.json", "auth", Access::Public),
            ("POST", "/api/users", "user", Access::Public),
            ("GET", "/api/users", "user", Access::Token),
            ("GET", "/api/users/check-email/a%2Bb%40x.y", "user", Access::Public),
            ("HEAD", "/api/users/health", "user", Access::Public),
            ("GET", "/ws/chat/1", "chat", Access::Public),
            ("POST", "/ws/chat/1", "chat", Access::Token),
            ("GET", "/api/chat/stream/1", "chat", Access::Token),
            ("GET", "/api/store/items", "store", Access::Public),
            ("GET", "/api/store/items/1", "store", Access::Public),
            ("POST", "/api/store/items", "store", Access::Token),
            ("GET", "/api/batch/jobs", "batch", Access::Admin),
            ("GET", "/api/batch/health", "batch", Access::Public),
        ] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let found = table.find(&method, path).unwrap_or_else(|| panic!("{path} has a route"));
            assert_eq!((&*found.route.id, found.access), (route, access), "{method} {path}");
        }
    }

    #[test]
    fn what_belongs_to_the_services_alone_has_no_route() {
        let table = standard();
        for path in ["/internal/events", "/actuator/health", "/api", "/", "/api/user", "/x"] {
            assert!(table.find(&Method::GET, path).is_none(), "{path}");
        }
    }

    #[test]
    fn well_known_paths_at_the_root_go_below_the_base_of_auth() {
        let table = standard();
        let found = table.find(&Method::GET, "/.well-known/openid-configuration").unwrap();
        assert_eq!(found.rewritten.as_deref(), Some("/api/auth/.well-known/openid-configuration"));
        assert_eq!(table.find(&Method::GET, "/api/auth/me").unwrap().rewritten, None);
    }

    #[test]
    fn the_most_specific_pattern_wins_whatever_the_order() {
        let mut config = GatewayConfig::standard();
        let mut special = config.routes[1].clone();
        special.id = "export".into();
        special.paths = vec!["/api/users/export/**".into()];
        config.routes.push(special);
        for _ in 0..2 {
            config.routes.reverse();
            let table = RouteTable::compile(&config).unwrap();
            let id = |path| table.find(&Method::GET, path).unwrap().route.id.to_string();
            assert_eq!((id("/api/users/export/1"), id("/api/users/1")), ("export".into(), "user".into()));
        }
    }

    #[test]
    fn a_configuration_that_opens_or_breaks_something_is_refused() {
        let spoil = |change: fn(&mut gateway::Route)| {
            let mut config = GatewayConfig::standard();
            change(&mut config.routes[0]);
            RouteTable::compile(&config).unwrap_err()
        };
        for path in ["/internal/**", "/actuator/**", "/**", "/*/events"] {
            let mut config = GatewayConfig::standard();
            config.routes[0].paths = vec![path.into()];
            let fault = RouteTable::compile(&config).unwrap_err();
            assert!(matches!(fault, TableFault::NeverRouted { .. }), "{path}: {fault}");
        }
        assert!(matches!(spoil(|route| route.timeout_ms = 0), TableFault::Timeout(_)));
        assert!(matches!(spoil(|route| route.rate_limit.per_second = 0), TableFault::Limit(_)));
        assert!(matches!(spoil(|route| route.id = "user".into()), TableFault::Twice(_)));
        assert!(matches!(spoil(|route| route.paths.clear()), TableFault::NoPath(_)));
        assert!(matches!(spoil(|route| route.service.clear()), TableFault::NoService(_)));
        let odd = |route: &mut gateway::Route| route.public[0].method = Some("G T".into());
        assert!(matches!(spoil(odd), TableFault::Method { .. }));
        assert_eq!(RouteTable::compile(&GatewayConfig::default()).unwrap_err(), TableFault::Empty);
    }
}
