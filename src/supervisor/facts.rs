//! Finds out what the plan needs to know: installed servers, secrets, binaries.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use backing::postgres::{self, ClusterSpec, Role};
use backing::{Launch as BackingLaunch, ServerUser, redis};

use super::plan::{Backing, CACHE, Facts};
use crate::error::{CliError, ExitStatus};
use crate::layout::Layout;
use crate::secrets::{Secrets, roles};
use crate::shim::protocol::{Launch, RunAs};
use crate::stack::{Database, Stack};

/// What units inherit of the environment that `doran` was started in; everything else is said in the stack file.
const INHERITED: [&str; 10] =
    ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "RUST_BACKTRACE", "DORAN_LOG", "DORAN_BIND"];

/// Looks at this machine and this instance. Creates the instance's secrets and the cache's configuration when they
/// are missing.
///
/// # Errors
/// When PostgreSQL is not installed (exit code 3), or secrets cannot be read or written.
pub(crate) fn gather(stack: &Stack, layout: &Layout) -> anyhow::Result<Facts> {
    let secrets = Secrets::new(layout.secrets());
    secrets.ensure_service_files(stack.services.keys().map(String::as_str))?;
    Ok(Facts {
        layout: layout.clone(),
        secrets: secrets.clone(),
        binaries: binaries()?,
        base_env: base_env(),
        databases: databases(stack, layout, &secrets)?,
        cache: cache(stack, layout, &secrets)?,
    })
}

/// The service binaries lie beside `doran`'s own.
pub(crate) fn binaries() -> anyhow::Result<PathBuf> {
    let exe = std::env::current_exe().context("find the path of doran itself")?;
    Ok(exe.parent().unwrap_or(Path::new("/")).to_owned())
}

fn base_env() -> BTreeMap<String, String> {
    INHERITED
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), std::env::var_os(name)?.into_string().ok()?)))
        .collect()
}

/// What all clusters of an instance share.
pub(crate) struct Servers {
    pub installation: postgres::Installation,
    pub user: Option<ServerUser>,
    home: PathBuf,
}

impl Servers {
    /// # Errors
    /// When no PostgreSQL is installed, or no place can be found that its user can reach.
    pub(crate) fn find(layout: &Layout) -> anyhow::Result<Self> {
        let installation = postgres::Installation::find().map_err(|missing| {
            CliError::new(ExitStatus::Config, missing.to_string())
                .help("then run `doran doctor` to check again")
        })?;
        let user = backing::server_user()?;
        let home = data_home(layout, user.as_ref())?;
        Ok(Self { installation, user, home })
    }

    /// One database's cluster. Makes its passwords when they are missing.
    pub(crate) fn cluster(
        &self,
        name: &str,
        database: &Database,
        secrets: &Secrets,
    ) -> anyhow::Result<ClusterSpec> {
        let (owner, app) = roles(name);
        Ok(ClusterSpec {
            data: self.home.join(name),
            port: database.port,
            database: name.to_owned(),
            superuser_password: secrets.database_superuser(name)?,
            owner: Role { name: owner, password: secrets.database_owner(name)? },
            app: Role { name: app, password: secrets.database_app(name)? },
            settings: database.settings.clone(),
        })
    }
}

/// Where the instance's data lives: chosen once, so that a directory that is opened or closed later does not seem
/// to move the data.
pub(crate) fn data_home(layout: &Layout, user: Option<&ServerUser>) -> anyhow::Result<PathBuf> {
    let note = layout.data_home();
    if let Ok(home) = fs::read_to_string(&note) {
        return Ok(home.into());
    }
    let home = postgres::reachable_home(&layout.data(), user)?;
    fs::write(&note, home.to_string_lossy().as_bytes())
        .with_context(|| format!("write {}", note.display()))?;
    Ok(home)
}

fn databases(stack: &Stack, layout: &Layout, secrets: &Secrets) -> anyhow::Result<BTreeMap<String, Backing>> {
    if stack.databases.is_empty() {
        return Ok(BTreeMap::new());
    }
    let servers = Servers::find(layout)?;
    let mut databases = BTreeMap::new();
    for (name, database) in &stack.databases {
        let cluster = servers.cluster(name, database, secrets)?;
        let (user, password, port) = (&cluster.app.name, cluster.app.password.expose(), database.port);
        let url = format!("postgres://{user}:{password}@127.0.0.1:{port}/{name}");
        let launch = shim_launch(postgres::launch(&servers.installation, servers.user.as_ref(), &cluster));
        databases.insert(name.clone(), Backing { launch, url });
    }
    Ok(databases)
}

/// `None` when the stack has no cache, or this machine no server for it.
fn cache(stack: &Stack, layout: &Layout, secrets: &Secrets) -> anyhow::Result<Option<Backing>> {
    let Some(cache) = &stack.cache else {
        return Ok(None);
    };
    let Ok(installation) = redis::Installation::find() else {
        return Ok(None);
    };
    let user = backing::server_user()?;
    let home = data_home(layout, user.as_ref())?;
    let password = secrets.cache()?;
    let launch = redis::launch(&installation, user.as_ref(), cache.port, &password, &home.join(CACHE))?;
    Ok(Some(Backing {
        url: format!("redis://:{}@127.0.0.1:{}", password.expose(), cache.port),
        launch: shim_launch(launch),
    }))
}

fn shim_launch(launch: BackingLaunch) -> Launch {
    Launch {
        program: launch.program,
        args: launch.args,
        env: launch.env,
        cwd: launch.cwd,
        user: launch.user.map(|user| RunAs { uid: user.uid, gid: user.gid }),
    }
}
