//! One service of the running stack, and what can be asked of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, anyhow};
use contract::claims::{OPERATOR, SERVICE_TOKEN_SECS, ServiceClaims};
use contract::problem::Problem;
use contract::registry::{Instance, Registry};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::stream::EventStream;
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::supervisor::client::Client;

/// A service ends its requests within 10 s.
pub(crate) const LIMIT: Duration = Duration::from_secs(12);

/// One service of the running stack, as the operator sees it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Service {
    name: String,
    /// Which of its instances is asked, e.g. `batch-2`.
    instance: String,
    url: String,
    key: PathBuf,
    http: reqwest::Client,
}

/// The service answered, and not with what was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub(crate) struct Refused {
    pub(crate) service: String,
    pub(crate) status: StatusCode,
    /// What the service says about it, if it speaks our language.
    pub(crate) problem: Option<Problem>,
}

impl Service {
    /// Finds a ready instance.
    ///
    /// # Errors
    /// Exit code 6 when the stack or the service is not running.
    pub(crate) async fn find(cx: &Context, name: &str) -> anyhow::Result<Self> {
        Self::find_apart_from(cx, name, None).await
    }

    /// Finds a ready instance after this one did not answer: another one, if there is one.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub(crate) async fn another(&self, cx: &Context) -> anyhow::Result<Self> {
        Self::find_apart_from(cx, &self.name, Some(&self.instance)).await
    }

    async fn find_apart_from(cx: &Context, name: &str, avoided: Option<&str>) -> anyhow::Result<Self> {
        Client::require(&cx.layout, &cx.stack.instance).await?;
        let registry = registry(&cx.layout.registry())?;
        let instances = registry.services.get(name).map(Vec::as_slice).unwrap_or_default();
        let instance = choose(instances, avoided).ok_or_else(|| not_ready(name))?;
        Ok(Self {
            name: name.to_owned(),
            instance: instance.id.clone(),
            url: instance.url.clone(),
            key: cx.secrets.service_key_file(OPERATOR),
            http: reqwest::Client::builder().no_proxy().build().context("prepare the HTTP client")?,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn instance(&self) -> &str {
        &self.instance
    }

    /// `GET path?query`, answered with JSON within `limit`.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub(crate) async fn get<A: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
        limit: Duration,
    ) -> anyhow::Result<A> {
        self.ask(self.http.get(format!("{}{path}", self.url)).query(query).timeout(limit)).await
    }

    /// `POST path` with JSON, answered with JSON, in English.
    ///
    /// # Errors
    /// [`Refused`] when the service answers with an error; exit code 6 when it cannot be reached.
    pub(crate) async fn post<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<A> {
        self.ask(self.http.post(format!("{}{path}", self.url)).json(body).timeout(LIMIT)).await
    }

    /// `PUT path` with JSON, answered with JSON.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub(crate) async fn put<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<A> {
        self.ask(self.http.put(format!("{}{path}", self.url)).json(body).timeout(LIMIT)).await
    }

    /// `GET path`, answered with text of this media type.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub(crate) async fn text(&self, path: &str, kind: &str) -> anyhow::Result<String> {
        let request = self.http.get(format!("{}{path}", self.url)).header("accept", kind).timeout(LIMIT);
        let answer = self.send(request).await?;
        answer.text().await.with_context(|| format!("read the answer of {}", self.name))
    }

    /// `GET path`, answered with server-sent events, which may go on for hours.
    ///
    /// # Errors
    /// As [`Self::post`], before the first event.
    pub(crate) async fn stream(&self, path: &str) -> anyhow::Result<EventStream> {
        let request = self.http.get(format!("{}{path}", self.url)).header("accept", "text/event-stream");
        let answer = timeout(LIMIT, self.send(request)).await;
        let answer = answer.with_context(|| format!("{} did not answer in time", self.name))??;
        Ok(EventStream::of(answer))
    }

    /// `POST path` with JSON, answered without a body.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub(crate) async fn tell(&self, path: &str, body: &impl Serialize) -> anyhow::Result<()> {
        self.send(self.http.post(format!("{}{path}", self.url)).json(body).timeout(LIMIT)).await.map(drop)
    }

    async fn ask<A: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<A> {
        let answer = self.send(request).await?;
        answer.json().await.with_context(|| format!("read the answer of {}", self.name))
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let token = token(&self.key, &self.name, SystemTime::now())?;
        let answer = match request.bearer_auth(token).header("accept-language", "en").send().await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return Err(not_ready(&self.name).into()),
            Err(error) => return Err(error.without_url()).context(format!("ask {}", self.name)),
        };
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        Err(Refused { service: self.name.clone(), status, problem: answer.json().await.ok() }.into())
    }
}

impl Refused {
    fn text(&self) -> String {
        let Some(problem) = &self.problem else {
            return format!("{} answered {}", self.service, self.status);
        };
        let fields = problem.errors.iter().map(|field| format!("\n  {}: {}", field.field, field.message));
        format!("{} ({}){}", problem.message, problem.error_code, fields.collect::<String>())
    }
}

/// The first that is not to be avoided, or else the first.
fn choose<'a>(instances: &'a [Instance], avoided: Option<&str>) -> Option<&'a Instance> {
    let preferred = instances.iter().find(|instance| Some(instance.id.as_str()) != avoided);
    preferred.or_else(|| instances.first())
}

fn not_ready(service: &str) -> CliError {
    CliError::new(ExitStatus::NotRunning, format!("no instance of {service} is ready"))
        .help(format!("see `doran ps {service}` and `doran logs {service}`"))
}

fn registry(path: &Path) -> anyhow::Result<Registry> {
    let text = match fs::read(path) {
        Ok(text) => text,
        // Written when the first service is ready.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Registry::default()),
        Err(error) => return Err(anyhow!(error).context(format!("read {}", path.display()))),
    };
    serde_json::from_slice(&text).with_context(|| format!("read {}", path.display()))
}

/// A token of the operator for one service.
pub(crate) fn token(key: &Path, audience: &str, now: SystemTime) -> anyhow::Result<String> {
    // An error says that it is installed already.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let pem = fs::read(key).with_context(|| format!("read the operator's key {}", key.display()))?;
    let signing_key = EncodingKey::from_ed_pem(&pem)
        .with_context(|| format!("use the operator's key {}", key.display()))?;
    let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).context("the clock is before 1970")?;
    let iat = i64::try_from(since_1970.as_secs()).context("the clock is out of range")?;
    let claims = ServiceClaims {
        iss: OPERATOR.to_owned(),
        sub: OPERATOR.to_owned(),
        aud: audience.to_owned(),
        iat,
        exp: iat + SERVICE_TOKEN_SECS,
    };
    let header = Header { kid: Some(OPERATOR.to_owned()), ..Header::new(Algorithm::EdDSA) };
    encode(&header, &claims, &signing_key).context("sign a token of the operator")
}

#[cfg(test)]
mod tests {
    use contract::code::ErrorCode;
    use contract::problem::FieldError;
    use jsonwebtoken::{DecodingKey, Validation, decode};
    use tempfile::TempDir;

    use super::*;
    use crate::secrets::Secrets;

    #[test]
    fn a_token_is_the_operators_for_one_service_and_a_minute() {
        let home = TempDir::new().unwrap();
        let secrets = Secrets::new(home.path().join("secrets"));
        secrets.ensure_service_files(["user"].into_iter()).unwrap();
        let token = token(&secrets.service_key_file(OPERATOR), "user", SystemTime::now()).unwrap();
        let set: jsonwebtoken::jwk::JwkSet =
            serde_json::from_slice(&fs::read(secrets.service_jwks_file()).unwrap()).unwrap();
        let key = DecodingKey::from_jwk(set.find(OPERATOR).unwrap()).unwrap();
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_audience(&["user"]);
        rules.set_issuer(&[OPERATOR]);
        let claims = decode::<ServiceClaims>(&token, &key, &rules).unwrap().claims;
        assert_eq!((claims.sub.as_str(), claims.exp - claims.iat), (OPERATOR, 60));
        rules.set_audience(&["auth"]);
        assert!(decode::<ServiceClaims>(&token, &key, &rules).is_err());
    }

    #[test]
    fn a_missing_registry_is_an_empty_one_and_a_broken_one_is_named() {
        let home = TempDir::new().unwrap();
        let path = home.path().join("registry.json");
        assert_eq!(registry(&path).unwrap(), Registry::default());
        fs::write(&path, "{").unwrap();
        assert!(registry(&path).unwrap_err().to_string().contains("registry.json"));
    }

    #[test]
    fn an_instance_that_did_not_answer_is_avoided_while_there_is_another() {
        let instance = |id: &str| Instance { id: id.to_owned(), url: String::new() };
        let both = [instance("batch-1"), instance("batch-2")];
        let chosen = |instances, avoided| choose(instances, avoided).map(|instance: &Instance| &*instance.id);
        assert_eq!(chosen(&both, None), Some("batch-1"));
        assert_eq!(chosen(&both, Some("batch-1")), Some("batch-2"));
        assert_eq!(chosen(&both[..1], Some("batch-1")), Some("batch-1"));
        assert_eq!(chosen(&[], None), None);
    }

    #[test]
    fn a_refusal_is_told_in_the_services_words() {
        let refused = |problem| {
            Refused { service: "user".to_owned(), status: StatusCode::BAD_REQUEST, problem }.to_string()
        };
        assert_eq!(refused(None), "user answered 400 Bad Request");
        let problem = Problem {
            kind: String::new(),
            title: String::new(),
            status: 400,
            detail: String::new(),
            instance: String::new(),
            success: false,
            data: (),
            message: "Some fields are not valid.".to_owned(),
            error_code: ErrorCode::Validation,
            timestamp: serde_json::from_str("\"2026-11-22T00:00:00Z\"").unwrap(),
            trace_id: String::new(),
            errors: vec![FieldError { field: "email".to_owned(), message: "Not one.".to_owned() }],
        };
        assert_eq!(refused(Some(problem)), "Some fields are not valid. (E003)\n  email: Not one.");
    }
}
