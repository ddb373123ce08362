//! `doran user`: accounts of the platform, made by whoever runs the stack.

use std::io::{self, Read as _};

use anyhow::Context as _;
use contract::auth::path;
use contract::code::ErrorCode;
use contract::id::UserId;
use contract::internal::{CreateUser, CreatedUser};
use contract::password::Password;
use contract::user::Role;
use serde::Serialize;

use crate::cli::{RoleChoice, UserCommand};
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::operator::{Refused, Service};
use crate::output::Printer;

/// No password is longer; whoever pipes a file in by mistake hears of it early.
const LONGEST_PASSWORD_BYTES: u64 = 1024;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    id: UserId,
    email: &'a str,
    role: Role,
}

pub(crate) async fn run(cx: &Context, command: &UserCommand, out: &Printer) -> anyhow::Result<ExitStatus> {
    match command {
        UserCommand::Create { email, role, first_name, last_name, password_stdin: _ } => {
            let request = CreateUser {
                email: email.clone(),
                password: read_password(io::stdin().lock())?,
                first_name: first_name.clone(),
                last_name: last_name.clone(),
                role: match role {
                    RoleChoice::User => Role::User,
                    RoleChoice::Admin => Role::Admin,
                },
            };
            create(cx, &request, out).await
        }
    }
}

/// Prints the new account's id.
async fn create(cx: &Context, request: &CreateUser, out: &Printer) -> anyhow::Result<ExitStatus> {
    let user = Service::find(cx, "user").await?;
    let created: CreatedUser =
        user.post(path::USERS, request).await.map_err(|error| explain(error, &request.email))?;
    if out.is_document() {
        let email = &request.email;
        out.document(&Document { schema: "doran.user/1", id: created.id, email, role: request.role })?;
    } else {
        out.line(created.id)?;
    }
    Ok(ExitStatus::Success)
}

/// An address that is taken is the one refusal that deserves words of its own.
fn explain(error: anyhow::Error, email: &str) -> anyhow::Error {
    let problem = error.downcast_ref::<Refused>().and_then(|refused| refused.problem.as_ref());
    if problem.is_some_and(|problem| problem.error_code == ErrorCode::EmailTaken) {
        return CliError::new(
            ExitStatus::Failure,
            format!("an account with the email {email} exists already"),
        )
        .into();
    }
    error.context("create the account")
}

/// All of standard input but the line's end.
fn read_password(input: impl io::Read) -> anyhow::Result<Password> {
    let mut text = String::new();
    input
        .take(LONGEST_PASSWORD_BYTES + 1)
        .read_to_string(&mut text)
        .context("read the password from standard input")?;
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    let problem = if password.is_empty() {
        "standard input holds no password"
    } else if text.len() as u64 > LONGEST_PASSWORD_BYTES {
        "what standard input holds is too long for a password"
    } else {
        return Ok(Password::new(password.to_owned()));
    };
    Err(CliError::new(ExitStatus::Usage, problem)
        .help("for example: printf %s \"$PASSWORD\" | doran user create --email me@example.com --password-stdin")
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_the_input_without_the_lines_end() {
        for (input, password) in
            [("hunter22", "hunter22"), ("hunter22\n", "hunter22"), ("a b\r\n", "a b"), (" x\n\n", " x\n")]
        {
            assert_eq!(read_password(input.as_bytes()).unwrap().expose(), password, "{input:?}");
        }
    }

    #[test]
    fn no_password_and_a_whole_file_are_usage_errors() {
        let status = |input: &str| {
            let error = read_password(input.as_bytes()).unwrap_err();
            error.downcast_ref::<CliError>().unwrap().status
        };
        assert_eq!(status(""), ExitStatus::Usage);
        assert_eq!(status("\n"), ExitStatus::Usage);
        assert_eq!(status(&"x".repeat(5000)), ExitStatus::Usage);
    }
}
