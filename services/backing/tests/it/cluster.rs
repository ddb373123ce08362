//! Preparing a cluster: once, at the same time, after a kill, over what lies there already.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use backing::postgres::{Cache, Preparation, PrepareError, launch};
use backing::secret::Secret;
use sqlx::Executor as _;

use crate::stage::{APP_PASSWORD, Stage, code, connect, open};

/// Tells the helper process where to prepare.
const HOME_OF_THE_VICTIM: &str = "BACKING_TEST_HOME";

#[tokio::test]
async fn a_second_preparation_keeps_the_data() {
    let stage = Stage::new();
    let spec = stage.spec("auth");
    assert_eq!(stage.prepare(&spec).unwrap(), Preparation::Created);
    let server = stage.start(&spec).await;
    let mut owner = connect(spec.port, "auth_owner", "owner password", "auth_db").await.unwrap();
    owner.execute("create table kept ()").await.unwrap();
    assert_eq!(stage.prepare(&spec).unwrap(), Preparation::Existing, "also while its server runs");
    drop(server);
    assert_eq!(stage.prepare(&spec).unwrap(), Preparation::Existing);
    let _server = stage.start(&spec).await;
    let mut owner = connect(spec.port, "auth_owner", "owner password", "auth_db").await.unwrap();
    owner.execute("select * from kept").await.unwrap();
}

#[test]
fn only_the_servers_user_can_read_the_data_and_only_root_the_cache() {
    let stage = Stage::new();
    let (spec, cache) = (stage.spec("auth"), stage.home.path().join("cache"));
    stage.prepare_from(&Cache::new(cache.clone()), &spec).unwrap();
    let server = stage.user.as_ref().map_or_else(|| rustix::process::geteuid().as_raw(), |user| user.uid);
    let ours = rustix::process::geteuid().as_raw();
    let entries = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path());
    let cluster = entries.into_iter().find(|path| path.is_dir()).unwrap();
    for (directory, owner) in [(&spec.data, server), (&cluster, ours)] {
        let mut files = 0;
        walk(directory, &mut |path| {
            let metadata = path.symlink_metadata().unwrap();
            assert_eq!((metadata.uid(), metadata.mode() & 0o077), (owner, 0), "{}", path.display());
            files += 1;
        });
        assert!(files > 500, "{files} files are no cluster");
    }
}

fn walk(path: &Path, look: &mut impl FnMut(&Path)) {
    look(path);
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            walk(&entry.unwrap().path(), look);
        }
    }
}

#[tokio::test]
async fn five_preparations_at_once_share_one_cache_and_all_work() {
    let stage = Stage::new();
    let cache = Cache::new(stage.home.path().join("cache"));
    let specs = ["auth", "user", "chat", "store", "batch"].map(|service| stage.spec(service));
    for round in ["with an empty cache", "again, from the cache", "existing"] {
        let started = Instant::now();
        let expected = if round == "existing" { Preparation::Existing } else { Preparation::Created };
        std::thread::scope(|scope| {
            let prepare = |spec| assert_eq!(stage.prepare_from(&cache, spec).unwrap(), expected, "{round}");
            for spec in &specs {
                scope.spawn(move || prepare(spec));
            }
        });
        println!("five clusters {round}: {:?}", started.elapsed());
        if round == "with an empty cache" {
            fs::remove_dir_all(stage.home.path().join("data")).unwrap();
        }
    }
    let started = Instant::now();
    stage.prepare_from(&cache, &stage.spec("sixth")).unwrap();
    println!("one cluster from the cache: {:?}", started.elapsed());
    for spec in &specs {
        let _server = stage.start(spec).await;
        connect(spec.port, &spec.app.name, APP_PASSWORD, &spec.database).await.unwrap();
    }
    let clusters = fs::read_dir(stage.home.path().join("cache")).unwrap();
    let clusters: Vec<_> = clusters.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    assert_eq!(clusters.len(), 1, "{clusters:?}");
}

#[test]
fn the_same_cluster_is_made_once_although_several_ask() {
    let stage = Stage::new();
    let spec = stage.spec("auth");
    let made = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| stage.prepare(&spec).unwrap())).collect();
        let results = threads.into_iter().map(|thread| thread.join().unwrap());
        results.filter(|preparation| *preparation == Preparation::Created).count()
    });
    assert_eq!(made, 1);
}

/// What this test binary does when it runs again as the process that a test kills.
fn be_the_victim(home: &Path) {
    let stage = Stage::new();
    let mut spec = stage.spec("auth");
    spec.data = home.join("data").join("auth");
    stage.prepare_from(&Cache::new(home.join("cache")), &spec).unwrap();
}

#[tokio::test]
async fn a_preparation_that_was_killed_is_repaired() {
    if let Some(home) = std::env::var_os(HOME_OF_THE_VICTIM) {
        return be_the_victim(Path::new(&home));
    }
    let stage = Stage::new();
    let (spec, cached) = (stage.spec("auth"), stage.home.path().join("cache"));
    let half_made = [
        // In the middle of initdb, and in the middle of the copy.
        |home: &Path| contains(&home.join("cache"), ".making", "global"),
        |home: &Path| contains(&home.join("data"), ".making", "global"),
    ];
    for is_half_made in half_made {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "cluster::a_preparation_that_was_killed_is_repaired"])
            .env(HOME_OF_THE_VICTIM, stage.home.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while !is_half_made(stage.home.path()) {
            assert!(victim.try_wait().unwrap().is_none(), "it ended before it could be killed");
            std::thread::yield_now();
        }
        victim.kill().unwrap();
        victim.wait().unwrap();
        assert!(!spec.data.exists(), "nothing half-made has the final name");
    }
    let cache = Cache::new(cached.clone());
    assert_eq!(stage.prepare_from(&cache, &spec).unwrap(), Preparation::Created);
    let _server = stage.start(&spec).await;
    connect(spec.port, "auth_app", APP_PASSWORD, "auth_db").await.unwrap();
    for directory in [cached, stage.home.path().join("data")] {
        assert!(
            !contains(&directory, ".making", ""),
            "the half-made one is gone from {}",
            directory.display()
        );
    }
}

#[tokio::test]
async fn a_strict_umask_does_not_lock_the_server_out() {
    let stage = Stage::new();
    let made = Command::new("/bin/sh")
        .args(["-c", "umask 077; exec \"$0\" --exact cluster::a_preparation_that_was_killed_is_repaired"])
        .arg(std::env::current_exe().unwrap())
        .env(HOME_OF_THE_VICTIM, stage.home.path())
        .stdout(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let spec = stage.spec("auth");
    assert_eq!(stage.prepare(&spec).unwrap(), Preparation::Existing);
    let _server = stage.start(&spec).await;
}

/// Whether `directory` has an entry whose name ends so and holds `inner`.
fn contains(directory: &Path, ending: &str, inner: &str) -> bool {
    fs::read_dir(directory).is_ok_and(|entries| {
        let mut paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
        paths.any(|path| path.to_str().unwrap().ends_with(ending) && path.join(inner).exists())
    })
}

#[tokio::test]
async fn passwords_that_changed_are_set_and_the_data_stays() {
    let stage = Stage::new();
    let mut spec = stage.spec("auth");
    stage.prepare(&spec).unwrap();
    spec.app.password = Secret::new("another");
    assert_eq!(stage.prepare(&spec).unwrap(), Preparation::Existing);
    let _server = stage.start(&spec).await;
    connect(spec.port, "auth_app", "another", "auth_db").await.unwrap();
    assert_eq!(code(connect(spec.port, "auth_app", APP_PASSWORD, "auth_db").await), "28P01");
    spec.app.password = Secret::new("a third");
    let error = stage.prepare(&spec).unwrap_err();
    assert!(matches!(error, PrepareError::Passwords { .. }), "a running server is left alone: {error}");
}

#[test]
fn no_password_shows_in_arguments_environment_or_debug_output() {
    let stage = Stage::new();
    let spec = stage.spec("auth");
    let shown = format!("{:?} {spec:?}", launch(&stage.installation, stage.user.as_ref(), &spec));
    for password in ["\"super\"", "owner password", "도란"] {
        assert!(!shown.contains(password), "{shown}");
    }
}

#[test]
fn what_lies_there_already_is_never_overwritten() {
    let stage = Stage::new();
    let mut spec = stage.spec("auth");
    fs::create_dir_all(&spec.data).unwrap();
    open(stage.home.path());
    fs::write(spec.data.join("diary"), "precious").unwrap();
    assert!(matches!(stage.prepare(&spec), Err(PrepareError::Foreign { .. })));
    fs::write(spec.data.join("PG_VERSION"), "9.6\n").unwrap();
    let error = stage.prepare(&spec).unwrap_err();
    assert!(matches!(&error, PrepareError::OtherVersion { found, .. } if found == "9.6"), "{error}");
    assert_eq!(fs::read_to_string(spec.data.join("diary")).unwrap(), "precious");

    spec.data = stage.data("other");
    stage.prepare(&spec).unwrap();
    spec.database = "renamed_db".to_owned();
    let error = stage.prepare(&spec).unwrap_err();
    assert!(matches!(&error, PrepareError::OtherNames { .. }), "{error}");
}

#[test]
fn an_empty_directory_is_as_good_as_none() {
    let stage = Stage::new();
    let spec = stage.spec("auth");
    fs::create_dir_all(&spec.data).unwrap();
    assert_eq!(stage.prepare(&spec).unwrap(), Preparation::Created);
}

#[test]
fn a_directory_that_the_servers_user_cannot_reach_is_refused_with_his_name() {
    let stage = Stage::new();
    // Without root there is no other user.
    let Some(user) = &stage.user else { return };
    let spec = stage.spec("auth");
    fs::set_permissions(stage.home.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let error = stage.prepare(&spec).unwrap_err();
    assert!(error.to_string().contains(&format!("`{}`", user.name)), "{error}");
    assert!(!spec.data.exists());
}

#[test]
fn names_that_do_not_belong_into_sql_are_refused() {
    let stage = Stage::new();
    let mut spec = stage.spec("auth");
    spec.database = "x; drop database y".to_owned();
    assert!(matches!(stage.prepare(&spec), Err(PrepareError::Name(_))));
}
