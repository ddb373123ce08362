//! What can go wrong in batch, and how each is answered.

use axum::response::{IntoResponse, Response};
use chassis::ApiError;
use contract::batch::{ExecutionStatus, ParameterType};
use contract::code::ErrorCode;
use contract::text::Text;
use http::StatusCode;

use crate::domain::parameter::{Rule, Wrong};
use crate::objects::ObjectError;
use crate::repository::execution::StartError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Answered as it is.
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("failed to reach batch_db")]
    Database(#[from] sqlx::Error),
    #[error("failed to read an object")]
    Object(#[from] ObjectError),
    #[error("some parameters break a rule")]
    Parameters(Vec<Wrong>),
    #[error("there is no such status")]
    Status,
    #[error("there is no such job")]
    JobNotFound,
    #[error("there is no such execution")]
    ExecutionNotFound,
    #[error("there is no such report")]
    ReportNotFound,
    #[error("the report has no such form")]
    NotAcceptable,
    #[error("the execution does not start")]
    Start(#[source] StartError),
    #[error("the execution is {status}: it cannot be {wish}")]
    Refused { wish: Wish, status: ExecutionStatus },
    #[error("too many watch this instance")]
    TooManyStreams,
}

/// What is to be done about an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    Stop,
    Restart,
    Abandon,
    /// Its skipped items are to be tried again.
    Redrive,
}

impl std::fmt::Display for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Stop => "stopped",
            Self::Restart => "restarted",
            Self::Abandon => "given up",
            Self::Redrive => "redriven",
        })
    }
}

impl From<StartError> for Error {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Database(error) => Self::Database(error),
            error => Self::Start(error),
        }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let not_found =
            |ko, en| Self::new(ErrorCode::BadRequest).status(StatusCode::NOT_FOUND).text(Text::new(ko, en));
        match error {
            Error::Api(error) => error,
            Error::Database(error) => error.into(),
            Error::Object(error) => object(error),
            Error::Parameters(wrong) => {
                wrong.iter().fold(Self::new(ErrorCode::Validation), |error, wrong| {
                    error.field(format!("parameters.{}", wrong.name), rule(wrong.rule))
                })
            }
            Error::Status => {
                let text =
                    Text::new("알 수 없는 값입니다.", "This is none of the words that are known here.");
                Self::new(ErrorCode::Validation).field("status", text)
            }
            Error::JobNotFound => ErrorCode::JobNotFound.into(),
            Error::ExecutionNotFound => not_found("실행을 찾을 수 없습니다.", "The execution was not found."),
            Error::ReportNotFound => not_found("보고서를 찾을 수 없습니다.", "The report was not found."),
            Error::NotAcceptable => {
                Self::new(ErrorCode::BadRequest).status(StatusCode::NOT_ACCEPTABLE).text(Text::new(
                    "보고서는 application/json 또는 text/csv로만 제공됩니다.",
                    "A report is application/json or text/csv.",
                ))
            }
            Error::Start(error) => Self::new(ErrorCode::JobRunning).text(in_the_way(&error)),
            Error::Refused { wish, status } => Self::new(ErrorCode::JobRunning).text(refused(wish, status)),
            Error::TooManyStreams => Self::new(ErrorCode::UpstreamUnavailable).text(Text::new(
                "실시간 조회가 너무 많습니다. 잠시 후 다시 시도해 주세요.",
                "Too many are watching. Please try again shortly.",
            )),
        }
    }
}

fn object(error: ObjectError) -> ApiError {
    match error {
        ObjectError::Missing(_) => ApiError::new(ErrorCode::BadRequest)
            .status(StatusCode::NOT_FOUND)
            .text(Text::new("보고서 파일이 더 이상 없습니다.", "The file of the report is there no more."))
            .because(error),
        ObjectError::Timeout(_) | ObjectError::Failed { .. } => {
            ApiError::new(ErrorCode::UpstreamUnavailable).because(error)
        }
        error => ApiError::internal(error),
    }
}

fn rule(rule: Rule) -> Text {
    match rule {
        Rule::Unknown => Text::new("이 작업에 없는 매개변수입니다.", "The job has no such parameter."),
        Rule::Missing => Text::new("필수 매개변수입니다.", "This parameter is required."),
        Rule::NotBetween(least, most) => Text::owned(
            format!("{least} 이상 {most} 이하여야 합니다."),
            format!("This must be from {least} to {most}."),
        ),
        Rule::NoMonth => Text::new("YYYY-MM 형식의 월이어야 합니다.", "This must be a month, YYYY-MM."),
        Rule::TooLong => Text::new("최대 250자까지 입력할 수 있습니다.", "This may have 250 characters."),
        Rule::NotA(ParameterType::String) => Text::new(
            "제어 문자가 없는 1~250자의 문자열이어야 합니다.",
            "This must be a string of 1 to 250 characters, none of them a control character.",
        ),
        Rule::NotA(ParameterType::Long) => {
            Text::new("64비트 정수여야 합니다.", "This must be a whole number of 64 bits.")
        }
        Rule::NotA(ParameterType::Double) => {
            Text::new("유한한 숫자여야 합니다.", "This must be a finite number.")
        }
        Rule::NotA(ParameterType::Date) => {
            Text::new("YYYY-MM-DD 형식의 날짜여야 합니다.", "This must be a date, YYYY-MM-DD.")
        }
        Rule::NotA(ParameterType::Boolean) => {
            Text::new("true 또는 false여야 합니다.", "This must be true or false.")
        }
    }
}

/// Which execution keeps another one from starting, and why.
fn in_the_way(error: &StartError) -> Text {
    match error {
        StartError::Running(id) => Text::owned(
            format!("같은 매개변수로 이미 실행 중입니다: {id}"),
            format!("The same parameters run already, as execution {id}."),
        ),
        StartError::Complete(id) => Text::owned(
            format!("같은 매개변수의 실행이 이미 완료되었거나 포기되었습니다: {id}"),
            format!("The same parameters were completed, or given up, by execution {id}."),
        ),
        StartError::Unknown(id) => Text::owned(
            format!("같은 매개변수의 실행이 어떻게 끝났는지 알 수 없습니다: {id}"),
            format!("How execution {id} of the same parameters ended is not known. Give it up first."),
        ),
        StartError::Database(_) => ErrorCode::JobRunning.text(),
    }
}

fn refused(wish: Wish, status: ExecutionStatus) -> Text {
    let (ko, en) = match wish {
        Wish::Stop => ("실행 중인 것만 중지할 수 있습니다", "only what runs can be stopped"),
        Wish::Restart => (
            "같은 매개변수의 가장 최근 실행이 실패했거나 중지된 경우에만 다시 시작할 수 있습니다",
            "only the newest execution of the same parameters can be restarted, if it failed or was stopped",
        ),
        Wish::Abandon => (
            "실패했거나 중지되었거나 결과를 알 수 없는 것만 포기할 수 있습니다",
            "only what failed, was stopped or is unknown can be given up",
        ),
        Wish::Redrive => (
            "끝난 실행의 건너뛴 항목만 다시 처리할 수 있습니다",
            "skipped items can be tried again only when it is over",
        ),
    };
    Text::owned(format!("실행 상태가 {status}입니다: {ko}."), format!("The execution is {status}: {en}."))
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        ApiError::from(self).into_response()
    }
}
