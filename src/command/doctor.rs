//! `doran doctor`: looks for what the stack needs and says how to get what is missing.

use std::process::{Command, Stdio};

use backing::{postgres, redis};
use comfy_table::{Table, presets};
use serde::Serialize;

use crate::cli::GlobalArgs;
use crate::context::Context;
use crate::error::ExitStatus;
use crate::output::Printer;
use crate::port;
use crate::supervisor::client::Client;
use crate::supervisor::facts;

/// Below this, five clusters with their write-ahead logs do not fit comfortably.
const FREE_SPACE: u64 = 2 << 30;
/// Six services and the payment sandbox, five databases with their connections, and the tools around them.
const OPEN_FILES: u64 = 1024;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    items: Vec<Finding>,
}

#[derive(Serialize)]
struct Finding {
    check: &'static str,
    level: Level,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Warning,
    Error,
}

/// Exit code 3 when something needed is missing.
pub(super) async fn run(global: &GlobalArgs, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    let mut items = vec![toolchain(), postgresql(), cache(), psql(), open_files()];
    match Context::load(global) {
        Ok(cx) => items.extend(instance(&cx).await),
        Err(error) => {
            items.push(Finding::error("stack file", format!("{error:#}"), "`doran config` explains it"));
        }
    }
    let broken = items.iter().any(|item| item.level == Level::Error);
    if out.is_document() {
        out.document(&Document { schema: "doran.doctor/1", items })?;
    } else {
        out.line(table(&items))?;
    }
    Ok(if broken { ExitStatus::Config } else { ExitStatus::Success })
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, found: found.into(), fix: None }
    }

    fn warning(check: &'static str, found: impl Into<String>, fix: &str) -> Self {
        Self { check, level: Level::Warning, found: found.into(), fix: Some(fix.to_owned()) }
    }

    fn error(check: &'static str, found: impl Into<String>, fix: &str) -> Self {
        Self { check, level: Level::Error, found: found.into(), fix: Some(fix.to_owned()) }
    }
}

fn toolchain() -> Finding {
    match version_of("cargo") {
        Some(version) => Finding::ok("rust", version),
        None => {
            Finding::warning("rust", "no cargo on PATH", "needed only to build: install a Rust toolchain")
        }
    }
}

fn postgresql() -> Finding {
    match postgres::Installation::find() {
        Ok(found) => Finding::ok("postgresql", format!("{} in {}", found.version, found.bin_dir.display())),
        Err(missing) => Finding::error("postgresql", missing.to_string(), "apt-get install postgresql"),
    }
}

fn cache() -> Finding {
    match redis::Installation::find() {
        Ok(found) => Finding::ok("redis", found.program.display().to_string()),
        Err(_) => Finding::warning(
            "redis",
            "not installed: the stack runs without, with limits and caches local to each process",
            "apt-get install redis-server, or valkey-server",
        ),
    }
}

fn psql() -> Finding {
    match version_of("psql") {
        Some(version) => Finding::ok("psql", version),
        None => {
            Finding::warning("psql", "not on PATH", "needed only for `doran psql`: install postgresql-client")
        }
    }
}

fn version_of(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn open_files() -> Finding {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    if limit < OPEN_FILES {
        let fix = "raise it with `ulimit -n 4096`";
        return Finding::warning("open files", format!("at most {limit} per process"), fix);
    }
    Finding::ok("open files", format!("{limit} per process"))
}

async fn instance(cx: &Context) -> Vec<Finding> {
    let mut items =
        vec![Finding::ok("stack file", format!("{} in {}", cx.stack.name, cx.stack.dir.display()))];
    items.push(binaries(cx));
    items.push(disk(cx));
    match Client::connect(&cx.layout, &cx.stack.instance).await {
        Ok(Some(_)) => items.push(Finding::ok("supervisor", "running")),
        Ok(None) => {
            items.push(Finding::ok("supervisor", "not running"));
            items.extend(ports(cx));
        }
        Err(error) => {
            items.push(Finding::error("supervisor", format!("{error:#}"), "see .doran/<instance>/logs"));
        }
    }
    items
}

fn binaries(cx: &Context) -> Finding {
    let Ok(dir) = facts::binaries() else {
        return Finding::warning("binaries", "doran's own path is not known", "start doran by its path");
    };
    let missing: Vec<&str> = cx
        .stack
        .services
        .values()
        .map(|service| service.binary.as_str())
        .filter(|binary| !dir.join(binary).is_file())
        .collect();
    if missing.is_empty() {
        return Finding::ok("binaries", format!("all in {}", dir.display()));
    }
    Finding::warning("binaries", format!("not built: {}", missing.join(", ")), "`doran up` builds them")
}

fn disk(cx: &Context) -> Finding {
    let Ok(space) = rustix::fs::statvfs(&cx.stack.dir) else {
        return Finding::warning("disk", "free space is not known", "check it with df");
    };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let text = format!("{} MiB free", free >> 20);
    if free < FREE_SPACE {
        return Finding::warning("disk", text, "free some space: databases stop when a write fails");
    }
    Finding::ok("disk", text)
}

fn ports(cx: &Context) -> Vec<Finding> {
    let databases = cx.stack.databases.values().map(|database| database.port);
    let services = cx.stack.services.values().flat_map(|service| service.ports.iter().copied());
    let wanted: Vec<u16> =
        databases.chain(services).chain(cx.stack.cache.iter().map(|cache| cache.port)).collect();
    let taken: Vec<u16> = wanted.into_iter().filter(|port| !port::is_free(*port)).collect();
    if taken.is_empty() {
        return vec![Finding::ok("ports", "all free")];
    }
    let holders = port::holders(&taken);
    let describe = |port: &u16| {
        let by = holders.get(port).map_or_else(|| "another user's process".to_owned(), ToString::to_string);
        let fix = "stop it, change the port, or use --port-offset";
        Finding::error("ports", format!("{port} is taken by {by}"), fix)
    };
    taken.iter().map(describe).collect()
}

fn table(items: &[Finding]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["", "CHECK", "FOUND", "WHAT TO DO"]);
    for item in items {
        let glyph = match item.level {
            Level::Ok => "✔ ok",
            Level::Warning => "! warning",
            Level::Error => "✘ error",
        };
        table.add_row([glyph, item.check, &item.found, item.fix.as_deref().unwrap_or_default()]);
    }
    table
}
