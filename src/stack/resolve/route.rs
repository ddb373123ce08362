//! The gateway's configuration out of its section.

use std::collections::BTreeMap;

use contract::gateway::{Cors, GatewayConfig, PublicPath, RateLimit, Route};

use super::super::diagnostic::Diagnostic;
use super::super::name::suggestion;
use super::super::place::{At, Place};
use super::super::raw::{RawGateway, RawRateLimit, RawRoute, RawStack};
use super::pattern;
use super::stack::required;

/// Methods that a route may open (api.md, "CORS", and what browsers ask before).
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

pub(super) fn gateway(raw: &RawStack, errors: &mut Vec<Diagnostic>) -> GatewayConfig {
    let Some(At { value: section, .. }) = &raw.gateway else {
        return GatewayConfig::default();
    };
    let services = raw.services.iter().flat_map(|table| &table.value.0);
    let mut reader = Reader {
        services: services.map(|(name, _)| name.value.as_str()).collect(),
        paths: BTreeMap::new(),
        errors,
    };
    let rows = section.routes.iter().flat_map(|table| &table.value.0);
    let routes = rows.filter_map(|(id, route)| reader.route(id, route)).collect();
    let proxies = section.trusted_proxies.iter().flat_map(|at| &at.value);
    GatewayConfig {
        routes,
        cors: reader.cors(section),
        trusted_proxies: reader.texts(proxies, "gateway.trusted_proxies", pattern::check_cidr),
    }
}

struct Reader<'a> {
    services: Vec<&'a str>,
    /// Every routed pattern so far: of which route, and where.
    paths: BTreeMap<&'a str, (&'a str, &'a Place)>,
    errors: &'a mut Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn cors(&mut self, section: &RawGateway) -> Cors {
        let origins = section
            .cors
            .iter()
            .flat_map(|cors| &cors.value.allowed_origins)
            .flat_map(|origins| &origins.value);
        Cors { allowed_origins: self.texts(origins, "gateway.cors.allowed_origins", pattern::check_origin) }
    }

    /// The texts, each checked at its place.
    fn texts<'b>(
        &mut self,
        texts: impl Iterator<Item = &'b At<String>>,
        key: &str,
        check: fn(&str) -> Result<(), String>,
    ) -> Vec<String> {
        texts
            .map(|At { value, place }| {
                if let Err(problem) = check(value) {
                    self.errors.push(Diagnostic::new(format!("{key}: {problem}")).at(place, ""));
                }
                value.clone()
            })
            .collect()
    }

    fn route(&mut self, id: &'a At<String>, raw: &'a RawRoute) -> Option<Route> {
        let section = format!("gateway.routes.{}", id.value);
        let paths = required(raw.paths.as_ref(), "paths", &section, &id.place, self.errors);
        let service = required(raw.service.as_ref(), "service", &section, &id.place, self.errors);
        let access = required(raw.access.as_ref(), "access", &section, &id.place, self.errors);
        let limit = required(raw.rate_limit.as_ref(), "rate_limit", &section, &id.place, self.errors);
        let timeout = required(raw.timeout.as_ref(), "timeout", &section, &id.place, self.errors);
        let rate_limit = limit.and_then(|limit| self.rate_limit(&section, limit));
        if let Some(service) = service {
            self.check_service(&section, service);
        }
        if let Some(At { place, .. }) = timeout.filter(|at| at.value.0.as_millis() == 0) {
            self.errors.push(
                Diagnostic::new(format!("{section}.timeout: nothing is answered in no time")).at(place, ""),
            );
        }
        let paths = self.paths(id, &section, paths?);
        let public =
            raw.public.iter().flat_map(|at| &at.value).filter_map(|at| self.public(&section, &paths, at));
        Some(Route {
            public: public.collect(),
            id: id.value.clone(),
            service: service?.value.clone(),
            access: access?.value,
            rate_limit: rate_limit?,
            timeout_ms: u64::try_from(timeout?.value.0.as_millis()).unwrap_or(u64::MAX),
            paths,
        })
    }

    fn check_service(&mut self, section: &str, service: &At<String>) {
        if !self.services.contains(&service.value.as_str()) {
            self.errors.push(
                Diagnostic::new(format!("{section}.service: there is no service `{}`", service.value))
                    .at(&service.place, "")
                    .maybe_help(suggestion(&service.value, self.services.iter().copied())),
            );
        }
    }

    fn paths(&mut self, id: &'a At<String>, section: &str, paths: &'a At<Vec<At<String>>>) -> Vec<String> {
        if paths.value.is_empty() {
            self.errors
                .push(Diagnostic::new(format!("{section}.paths: a route needs a path")).at(&paths.place, ""));
        }
        for At { value, place } in &paths.value {
            if let Err(problem) = pattern::check_route(value) {
                self.errors.push(Diagnostic::new(format!("{section}.paths: {problem}")).at(place, ""));
            }
            if let Some((other, first)) = self.paths.insert(value, (&id.value, place)) {
                let clash = Diagnostic::new(format!("`{value}` is routed twice"));
                self.errors
                    .push(clash.at(place, format!("to {}", id.value)).at(first, format!("to {other}")));
            }
        }
        paths.value.iter().map(|at| at.value.clone()).collect()
    }

    fn public(&mut self, section: &str, paths: &[String], at: &At<String>) -> Option<PublicPath> {
        let mut complain = |problem: String| {
            self.errors.push(Diagnostic::new(format!("{section}.public: {problem}")).at(&at.place, ""));
        };
        let (method, path) = match at.value.split_once(' ') {
            Some((method, path)) => (Some(method), path.trim_start()),
            None => (None, at.value.as_str()),
        };
        if let Some(method) = method.filter(|method| !METHODS.contains(method)) {
            complain(format!("`{method}` is not a method, one of {}", METHODS.join(", ")));
            return None;
        }
        if let Err(problem) = pattern::check(path) {
            complain(problem);
            return None;
        }
        if !paths.iter().any(|wide| pattern::covers(wide, path)) {
            complain(format!("`{path}` lies outside the route's paths"));
            return None;
        }
        Some(PublicPath { method: method.map(str::to_owned), path: path.to_owned() })
    }

    fn rate_limit(&mut self, section: &str, limit: &At<RawRateLimit>) -> Option<RateLimit> {
        let section = format!("{section}.rate_limit");
        let At { value: limit, place } = limit;
        let per_second = required(limit.per_second.as_ref(), "per_second", &section, place, self.errors);
        let burst = required(limit.burst.as_ref(), "burst", &section, place, self.errors);
        for at in [per_second, burst].into_iter().flatten().filter(|at| at.value == 0) {
            self.errors
                .push(Diagnostic::new(format!("{section}: 0 would refuse every request")).at(&at.place, ""));
        }
        Some(RateLimit { per_second: per_second?.value, burst: burst?.value })
    }
}
