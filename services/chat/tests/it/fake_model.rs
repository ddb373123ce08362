//! An OpenAI-compatible endpoint on a real socket, which does what a test tells it to, and remembers what it was asked.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::{Stream, StreamExt as _, stream};
use http::{HeaderMap, StatusCode, Uri, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What each answer claims to have used.
pub(crate) const PROMPT_TOKENS: i64 = 100;
pub(crate) const COMPLETION_TOKENS: i64 = 10;

pub(crate) const REPLY: &str = "저도 떡볶이를 좋아해요! 자주 먹어요?";
pub(crate) const GREETING: &str = "안녕하세요, 오늘 어땠어요?";
pub(crate) const SUMMARY: &str = "The learner likes 떡볶이.";

/// How a request is answered.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// As the API says.
    Say(String),
    /// Without the usage at the end.
    Uncounted(String),
    /// Without the usage at the end, but with this.
    SayThen(String, &'static str),
    /// As the API says, each byte on its own, lines ended by CR LF, with comments in between.
    Bytewise(String),
    /// A part of an answer, then the connection breaks.
    Cut(String),
    /// A part of an answer and half of the next event, then the connection breaks.
    CutInEvent(String),
    /// A part of an answer, then the end of the stream.
    End(String),
    /// A part of an answer, then nothing.
    Stall(String),
    /// The request is taken, and nothing comes.
    Silent,
    /// Comments for ever, never an answer.
    Drip,
    /// An answer for ever.
    Endless,
    /// An answer as the API says under another content type.
    Typed(&'static str),
    /// An event stream of this.
    Raw(&'static str),
    /// An error, perhaps with a time to come back.
    Refuse(u16, Option<&'static str>),
}

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) agent: String,
    pub(crate) body: Value,
    pub(crate) authorization: Option<String>,
    pub(crate) path: String,
    /// The client's end of the connection.
    pub(crate) peer: SocketAddr,
}

impl Seen {
    pub(crate) fn system(&self) -> &str {
        self.body["messages"][0]["content"].as_str().unwrap()
    }

    /// The messages behind the system's, as roles and contents.
    pub(crate) fn said<'a>(&'a self) -> Vec<(&'a str, &'a str)> {
        let messages = self.body["messages"].as_array().unwrap();
        let pair =
            |message: &'a Value| (message["role"].as_str().unwrap(), message["content"].as_str().unwrap());
        messages[1..].iter().map(pair).collect()
    }

    /// The code that the marks of this request end in.
    pub(crate) fn nonce(&self) -> &str {
        let (_, rest) = self.system().split_once("The code of this conversation is ").unwrap();
        rest.split_once('.').unwrap().0
    }
}

#[derive(Default)]
struct Script {
    acts: Mutex<HashMap<String, VecDeque<Act>>>,
    always: Mutex<Option<Act>>,
    seen: Mutex<Vec<Seen>>,
}

/// Stops when dropped.
pub(crate) struct FakeModel {
    pub(crate) url: String,
    script: Arc<Script>,
    _server: JoinSet<()>,
}

impl FakeModel {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let script = Arc::new(Script::default());
        let app = Router::new().fallback(post(answer)).with_state(script.clone());
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, script, _server: server }
    }

    /// The next requests of `agent` are answered by these; all others well.
    pub(crate) fn next(&self, agent: &str, acts: impl IntoIterator<Item = Act>) {
        self.script.acts.lock().unwrap().entry(agent.to_owned()).or_default().extend(acts);
    }

    /// What nothing else is said for is answered like this.
    pub(crate) fn always(&self, act: Act) {
        *self.script.always.lock().unwrap() = Some(act);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.script.seen.lock().unwrap().clone()
    }

    pub(crate) fn seen_by(&self, agent: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.agent == agent).collect()
    }
}

async fn answer(
    State(script): State<Arc<Script>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap();
    let system = body["messages"][0]["content"].as_str().unwrap();
    let agent = system.split_once("# Task: ").unwrap().1.lines().next().unwrap().to_owned();
    let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    let path = uri.path().to_owned();
    script.seen.lock().unwrap().push(Seen { agent: agent.clone(), body, authorization, path, peer });
    let next = script.acts.lock().unwrap().get_mut(&agent).and_then(VecDeque::pop_front);
    let act = next.or_else(|| script.always.lock().unwrap().clone());
    perform(act.unwrap_or_else(|| Act::Say(good(&agent))), &agent).await
}

/// What a good model says.
pub(crate) fn good(agent: &str) -> String {
    match agent {
        "conversation" => REPLY.to_owned(),
        "greeting" => GREETING.to_owned(),
        "summary" => SUMMARY.to_owned(),
        "analysis" => json!({
            "detectedLevel": 3,
            "correctedSentence": "저는 떡볶이를 좋아해요.",
            "feedback": { "ko": "뜻이 잘 통해요.", "en": "The meaning is clear." },
            "corrections": "나 → 저, 좋아해 → 좋아해요",
        })
        .to_string(),
        "vocabulary" => json!({ "words": [{
            "word": "자주",
            "difficulty": 2,
            "context": { "roma": "jaju", "ko": "저는 자주 웃어요.", "en": "often" },
        }] })
        .to_string(),
        other => panic!("there is no agent {other}"),
    }
}

async fn perform(act: Act, agent: &str) -> Response {
    let cut = || Err(io::Error::other("cut on purpose"));
    match act {
        Act::Say(text) => events(once(whole(&text, true))),
        Act::Uncounted(text) => events(once(whole(&text, false))),
        Act::SayThen(text, behind) => {
            events(once(whole(&text, false).replace("data: [DONE]", &format!("{behind}data: [DONE]"))))
        }
        Act::Bytewise(text) => {
            let text = whole(&text, true).replace("\n\n", "\r\n\r\n: still here\r\n\r\n");
            events(stream::iter(text.into_bytes()).then(async |byte| {
                tokio::task::yield_now().await;
                Ok(Bytes::from(vec![byte]))
            }))
        }
        Act::Cut(text) => events(once(part(&text)).chain(pause()).chain(stream::iter([cut()]))),
        Act::CutInEvent(text) => {
            let half = format!("{}data: {{\"choices\":[{{\"index\":0,\"del", part(&text));
            events(once(half).chain(pause()).chain(stream::iter([cut()])))
        }
        Act::End(text) => events(once(part(&text))),
        Act::Stall(text) => events(once(part(&text)).chain(stream::once(pending()))),
        Act::Silent => pending().await,
        Act::Drip => {
            let every = tokio::time::interval(Duration::from_millis(20));
            events(stream::unfold(every, async |mut every| {
                every.tick().await;
                Some((Ok(Bytes::from_static(b": wait\n\n")), every))
            }))
        }
        Act::Endless => events(stream::repeat_with(|| Ok(part(&"가".repeat(1000)).into()))),
        Act::Typed(kind) => ([(header::CONTENT_TYPE, kind)], whole(&good(agent), true)).into_response(),
        Act::Raw(text) => events(once(text.to_owned())),
        Act::Refuse(status, retry_after) => {
            let body = json!({ "error": { "message": "Incorrect key sk-secret", "type": "some_error" } });
            let status = StatusCode::from_u16(status).unwrap();
            let mut response = (status, axum::Json(body)).into_response();
            if let Some(value) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, value.parse().unwrap());
            }
            response
        }
    }
}

fn events(body: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Response {
    ([(header::CONTENT_TYPE, "text/event-stream; charset=utf-8")], Body::from_stream(body)).into_response()
}

fn once(text: String) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::iter([Ok(Bytes::from(text))])
}

/// Lets what was written before go out before the connection breaks.
fn pause() -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::once(async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        Ok::<_, Infallible>(Bytes::from_static(b": almost\n\n"))
    })
    .map(|bytes| Ok(bytes.expect("it cannot fail")))
}

/// The beginning of an answer.
fn part(text: &str) -> String {
    let mut events = event(
        &json!({ "choices": [{ "index": 0, "delta": { "role": "assistant" }, "finish_reason": null }] }),
    );
    let characters: Vec<_> = text.chars().collect();
    for some in characters.chunks(3) {
        let content: String = some.iter().collect();
        let choice = json!({ "index": 0, "delta": { "content": content }, "finish_reason": null });
        events += &event(&json!({ "object": "chat.completion.chunk", "choices": [choice], "usage": null }));
    }
    events
}

fn whole(text: &str, counted: bool) -> String {
    let mut events = part(text);
    events += &event(&json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] }));
    if counted {
        let usage = json!({ "prompt_tokens": PROMPT_TOKENS, "completion_tokens": COMPLETION_TOKENS });
        events += &event(&json!({ "choices": [], "usage": usage }));
    }
    events + "data: [DONE]\n\n"
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}
