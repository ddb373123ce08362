//! Asks batch as the operator does.

use contract::batch::{Execution, path};
use contract::id::ExecutionId;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::{ServiceKeys, eventually};

use super::cluster::PATIENCE;

pub(crate) struct Operator<'a> {
    http: reqwest::Client,
    keys: &'a ServiceKeys,
    url: String,
}

impl<'a> Operator<'a> {
    pub(crate) fn new(keys: &'a ServiceKeys, url: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { http, keys, url: url.to_owned() }
    }

    /// The execution, or why there is none. Asked again of an instance that has no room: it has begun nothing.
    pub(crate) async fn trigger(
        &self,
        job: &str,
        parameters: Value,
    ) -> Result<Execution, (StatusCode, Value)> {
        eventually(PATIENCE, || async {
            let (status, body) = self.ask(job, &parameters).await;
            match status {
                StatusCode::SERVICE_UNAVAILABLE => Err(body),
                StatusCode::ACCEPTED => Ok(Ok(serde_json::from_value(body).unwrap())),
                _ => Ok(Err((status, body))),
            }
        })
        .await
    }

    async fn ask(&self, job: &str, parameters: &Value) -> (StatusCode, Value) {
        let request = self.http.post(format!("{}{}", self.url, path::trigger(job)));
        let answer = request
            .bearer_auth(self.keys.token("operator", "batch"))
            .json(&json!({ "parameters": parameters }))
            .send()
            .await
            .unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        let body = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {status} {text}"));
        (status, body)
    }

    pub(crate) async fn execution(&self, id: ExecutionId) -> Execution {
        let url = format!("{}{}", self.url, path::execution(id));
        let answer = eventually(PATIENCE, || async {
            let request = self.http.get(&url).bearer_auth(self.keys.token("operator", "batch"));
            let answer = request.send().await.unwrap();
            match answer.status() {
                busy @ StatusCode::SERVICE_UNAVAILABLE => Err(busy),
                _ => Ok(answer.error_for_status().unwrap()),
            }
        });
        answer.await.json().await.unwrap()
    }
}
