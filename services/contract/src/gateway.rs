//! The gateway's configuration file: routes, limits, CORS. Written by `doran` from the stack file.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GatewayConfig {
    /// Tried in order of specificity: the longest literal prefix wins.
    pub routes: Vec<Route>,
    pub cors: Cors,
    /// CIDR blocks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<String>,
}

impl GatewayConfig {
    /// What a gateway serves that nobody configured: the routes and limits of the API's description.
    pub fn standard() -> Self {
        Self {
            routes: vec![
                Route::standard("auth", &["/api/auth/**", "/.well-known/**"], Access::Token, (10, 20)).open(
                    &[
                        "/api/auth/login",
                        "/api/auth/refresh",
                        "/api/auth/logout",
                        "/api/auth/password/reset/**",
                        "/api/auth/health",
                        "/api/auth/.well-known/**",
                        "/api/auth/oauth2/**",
                    ],
                ),
                Route::standard("user", &["/api/users/**"], Access::Token, (20, 40)).open(&[
                    "POST /api/users",
                    "GET /api/users/check-email/*",
                    "/api/users/health",
                ]),
                Route::standard("chat", &["/api/chat/**", "/ws/chat/**"], Access::Token, (30, 60))
                    // A browser's WebSocket cannot send an `Authorization`: chat checks its protocol or ticket.
                    .open(&["GET /ws/chat/**", "/api/chat/health"]),
                Route::standard("store", &["/api/store/**"], Access::Token, (15, 30))
                    .open(&["GET /api/store/items/**", "/api/store/health"]),
                Route::standard("batch", &["/api/batch/**"], Access::Admin, (5, 10))
                    .open(&["/api/batch/health"]),
            ],
            cors: Cors {
                allowed_origins: ["localhost", "127.0.0.1", "[::1]"]
                    .iter()
                    .flat_map(|host| [format!("http://{host}:*"), format!("https://{host}:*")])
                    .collect(),
            },
            trusted_proxies: Vec::new(),
        }
    }
}

impl Route {
    fn standard(service: &str, paths: &[&str], access: Access, (per_second, burst): (u32, u32)) -> Self {
        Self {
            id: service.into(),
            paths: paths.iter().map(|path| (*path).into()).collect(),
            service: service.into(),
            access,
            public: Vec::new(),
            rate_limit: RateLimit { per_second, burst },
            // The web client gives up after 15 s; its routes end within 10 s, retries included.
            timeout_ms: 10_000,
        }
    }

    /// Opens paths to anybody, each with a method before it or for all methods.
    fn open(mut self, paths: &[&str]) -> Self {
        self.public.extend(paths.iter().map(|text| match text.split_once(' ') {
            Some((method, path)) => PublicPath { method: Some(method.into()), path: path.into() },
            None => PublicPath { method: None, path: (*text).into() },
        }));
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Route {
    pub id: String,
    /// Path patterns: literal segments, `*` for one segment, a final `**` for any rest.
    pub paths: Vec<String>,
    /// Target service in the registry.
    pub service: String,
    pub access: Access,
    /// What of the route is open to anybody.
    #[serde(default)]
    pub public: Vec<PublicPath>,
    pub rate_limit: RateLimit,
    /// Total budget of a request, in milliseconds.
    pub timeout_ms: u64,
}

/// Who may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    Public,
    /// A valid access token.
    Token,
    /// A valid access token with `ROLE_ADMIN`.
    Admin,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublicPath {
    /// Any method when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    pub path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateLimit {
    /// Sustained requests per second and key.
    pub per_second: u32,
    pub burst: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cors {
    /// Origins as `scheme://host` with an optional `:port`; `:*` allows any port.
    pub allowed_origins: Vec<String>,
}
