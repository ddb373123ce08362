//! The services that publish and consume events: those with a database, for the outbox lies in it.

use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::stack::{self, Stack};
use crate::supervisor::client::Client;
use crate::supervisor::unit::Kind;

#[derive(Debug)]
pub(super) struct Participant {
    pub(super) name: String,
    /// Somebody wants it up, or asks for it by name: it is missed when it is down.
    pub(super) expected: bool,
}

/// The named services, or all.
///
/// # Errors
/// Exit code 2 for a name that means no such service, 6 when the stack is not running.
pub(super) async fn select(cx: &Context, names: &[String]) -> anyhow::Result<Vec<Participant>> {
    check(&cx.stack, names)?;
    let state = Client::require(&cx.layout, &cx.stack.instance).await?.state().await?;
    let wanted = |name: &str| {
        state.items.iter().any(|unit| unit.service == name && unit.kind == Kind::Service && unit.wanted)
    };
    let asked = |name: &str| names.iter().any(|asked| asked == name);
    Ok(all(&cx.stack)
        .filter(|name| names.is_empty() || asked(name))
        .map(|name| Participant { name: name.to_owned(), expected: asked(name) || wanted(name) })
        .collect())
}

/// One service, by name.
///
/// # Errors
/// As [`select`].
pub(super) async fn require(cx: &Context, name: &str) -> anyhow::Result<Participant> {
    check(&cx.stack, &[name.to_owned()])?;
    Client::require(&cx.layout, &cx.stack.instance).await?;
    Ok(Participant { name: name.to_owned(), expected: true })
}

/// The service is not up; anything else that went wrong is a failure.
pub(super) fn is_down(error: &anyhow::Error) -> bool {
    let known = error.downcast_ref::<CliError>();
    known.is_some_and(|known| known.status == ExitStatus::NotRunning)
}

fn all(stack: &Stack) -> impl Iterator<Item = &str> + Clone {
    stack.services.iter().filter(|(_, service)| service.database.is_some()).map(|(name, _)| name.as_str())
}

fn check(stack: &Stack, names: &[String]) -> anyhow::Result<()> {
    let Some(wrong) = names.iter().find(|name| !all(stack).any(|known| known == *name)) else {
        return Ok(());
    };
    let message = if stack.services.contains_key(wrong) {
        format!("{wrong} has no events: it has no database")
    } else {
        format!("there is no service `{wrong}`")
    };
    let error = CliError::new(ExitStatus::Usage, message);
    Err(match stack::suggestion(wrong, all(stack)) {
        Some(suggestion) => error.help(suggestion).into(),
        None => error.into(),
    })
}
