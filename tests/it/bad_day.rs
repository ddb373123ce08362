//! What goes wrong, and what `doran` says and leaves behind.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use testkit::free_port;

use crate::fixture::{Fixture, Said, eventually, exists, finish};

/// One service that runs this script.
fn script(script: &str, more: &str) -> Fixture {
    Fixture::new(&yaml(script, more, free_port()))
}

fn yaml(script: &str, more: &str, port: u16) -> String {
    format!(
        "name: bad\nservices:\n  victim:\n    binary: /bin/sh\n    args: [\"-c\", {script:?}]\n    port: {port}\n{more}"
    )
}

#[test]
fn a_service_that_exits_at_once_is_named_with_its_last_words() {
    let fixture =
        script("echo cannot find my hat >&2; exit 3", "    probe: tcp\n    restart: { backoff: 10ms }\n");
    fixture
        .doran(&["up", "-d", "--wait"])
        .exits(4)
        .says("victim exited with code 3 again and again")
        .says("victim | cannot find my hat")
        .says("doran logs victim");
    fixture.assert_nothing_left();
}

#[test]
fn a_service_that_never_gets_ready_is_named_when_the_deadline_passes() {
    let fixture = script("echo thinking; exec sleep 1000", "");
    fixture
        .doran(&["up", "-d", "--wait", "--timeout", "700ms"])
        .exits(5)
        .says("victim is running")
        .says("thinking");
    fixture.assert_nothing_left();
}

#[test]
fn a_program_that_does_not_exist_is_a_missing_prerequisite() {
    let yaml =
        format!("name: bad\nservices:\n  victim:\n    binary: /no/such/program\n    port: {}\n", free_port());
    let fixture = Fixture::new(&yaml);
    fixture.doran(&["up", "-d", "--wait"]).exits(3).says("/no/such/program");
    fixture.assert_nothing_left();
}

#[test]
fn a_service_that_ignores_term_is_killed_after_its_grace() {
    let fixture =
        script("trap '' TERM; while :; do sleep 1; done", "    probe: none\n    stop_timeout: 300ms\n");
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    fixture.doran(&["down"]).exits(0);
    fixture.assert_nothing_left();
}

#[test]
fn a_grandchild_in_a_session_of_its_own_is_ended_with_its_unit() {
    let fixture = script(
        "setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' & echo $! > grandchild; exec sleep 1000",
        "    probe: none\n    stop_timeout: 300ms\n",
    );
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let path = fixture.path().join("grandchild");
    let pid: i32 =
        eventually("the grandchild is there", || fs::read_to_string(&path).ok()?.trim().parse().ok());
    fixture.doran(&["stop", "victim"]).exits(0);
    assert!(!exists(pid), "the grandchild survived");
}

#[test]
fn a_taken_port_is_reported_with_its_holder_before_anything_starts() {
    let holder = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = holder.local_addr().unwrap().port();
    let fixture = Fixture::new(&yaml("exec sleep 1000", "    probe: none\n", port));
    fixture
        .doran(&["up", "-d", "--wait"])
        .exits(7)
        .says(&format!("port {port} of victim is taken by pid {}", std::process::id()))
        .says("--port-offset");
    fixture.assert_nothing_left();
    drop(holder);
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
}

#[test]
fn a_broken_or_empty_stack_file_is_shown_with_its_place() {
    let cases = [
        ("", "dorandoran.yaml"),
        ("name: [", "dorandoran.yaml:1:"),
        ("name: x\nservces: {}\n", "dorandoran.yaml:2:1"),
        ("name: x\nservices:\n  a:\n    port: eighty\n", "dorandoran.yaml:4:11"),
    ];
    for (yaml, place) in cases {
        let fixture = Fixture::new(yaml);
        fixture.doran(&["up", "-d"]).exits(3).says(place);
        // Nothing to bring down, and no way to know where: the fixture's own clean-up needs a valid file.
        fs::write(fixture.path().join("dorandoran.yaml"), "name: x\n").unwrap();
    }
}

#[test]
fn state_that_cannot_be_written_is_said() {
    let fixture = script("exec sleep 1000", "    probe: none\n");
    fs::write(fixture.path().join(".doran"), "a file in the way").unwrap();
    fixture.doran(&["up", "-d", "--wait"]).exits(1).says(".doran").says("writable");
    fs::remove_file(fixture.path().join(".doran")).unwrap();
}

#[test]
fn a_checkout_too_deep_for_a_socket_still_works() {
    let base = tempfile::tempdir().unwrap();
    let deep = base.path().join("d".repeat(60)).join("e".repeat(60));
    fs::create_dir_all(&deep).unwrap();
    let dir = tempfile::tempdir_in(&deep).unwrap();
    let fixture = Fixture::in_dir(dir, &yaml("echo deep; exec sleep 1000", "    probe: none\n", free_port()));
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    assert_eq!(fixture.unit("victim")["state"], "ready");
    fixture.doran(&["down"]).exits(0);
    fixture.assert_nothing_left();
}

#[test]
fn a_checkout_that_the_database_user_cannot_reach_still_works() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let fixture = Fixture::system_in(dir);
    fixture.doran(&["up", "-d", "--wait", "auth_db"]).exits(0);
    fixture.doran(&["psql", "auth_db", "--", "-Atc", "select 'reached'"]).exits(0).says("reached");
}

/// Needs root, to hide directories from one process.
fn in_namespace(fixture: &Fixture, prepare: &str, args: &[&str]) -> Option<Said> {
    let probe = Command::new("unshare").args(["--mount", "true"]).stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        testkit::skip("this test needs the right to unshare mounts (root)");
        return None;
    }
    let doran = fixture.command(args);
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &format!("{prepare} && exec \"$@\""), "sh"]);
    command.arg(doran.get_program()).args(doran.get_args()).current_dir(fixture.path()).env("CI", "true");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(finish(command.spawn().expect("start unshare")))
}

#[test]
fn without_postgresql_the_package_to_install_is_named() {
    let fixture = Fixture::system();
    let hide = "mount -t tmpfs none /usr/lib/postgresql && export PATH=/nowhere";
    let hide = format!("mkdir -p {0} && {hide}", fixture.path().display());
    if let Some(said) = in_namespace(&fixture, &hide, &["up", "-d", "--wait"]) {
        said.exits(3).says("PostgreSQL").says("apt-get install postgresql");
        assert!(!fixture.path().join(".doran/default/run/control.sock").exists(), "nothing was started");
    }
}

#[test]
fn a_full_disk_is_said_and_leaves_nothing_running() {
    let fixture = script("exec sleep 1000", "    probe: none\n");
    fs::create_dir(fixture.path().join(".doran")).unwrap();
    let full = "mount -t tmpfs -o size=64k none .doran && ! dd if=/dev/zero of=.doran/full bs=4k 2>/dev/null";
    if let Some(said) = in_namespace(&fixture, full, &["up", "-d", "--wait"]) {
        said.exits(1).says("No space left on device");
    }
    assert!(fixture.alive().is_empty());
}

#[test]
fn a_disk_that_fills_up_while_units_run_ends_no_supervisor() {
    let fixture = script("exec sleep 1000", "    probe: none\n");
    fs::create_dir(fixture.path().join(".doran")).unwrap();
    let fill = "mount -t tmpfs -o size=1m none .doran && \"$1\" up -d --wait \
                && ! dd if=/dev/zero of=.doran/full bs=1k 2>/dev/null && \"$1\" stop victim && \"$1\" ps";
    if let Some(said) = in_namespace(&fixture, fill, &["down"]) {
        said.exits(0).says("stopped victim").says("everything is down");
    }
    assert!(fixture.alive().is_empty());
}

#[test]
fn a_port_that_is_taken_after_the_check_is_reported_with_its_holder() {
    let port = free_port();
    let fixture = Fixture::new(&format!(
        "name: late\nservices:\n  first:\n    binary: /bin/sh\n    \
         args: [\"-c\", \"exec sleep 1000\"]\n    \
         port: {}\n    probe: none\n  \
         gateway:\n    binary: /bin/sleep\n    args: [\"1000\"]\n    port: {port}\n    probe: none\n    \
         inherit_listener: true\n",
        free_port()
    ));
    fixture.doran(&["up", "-d", "--wait", "first"]).exits(0);
    let _holder = TcpListener::bind(("127.0.0.1", port)).expect("nobody has it yet");
    fixture
        .doran(&["start", "gateway"])
        .exits(4)
        .says(&format!("port {port} is taken by pid {}", std::process::id()));
}

#[test]
fn a_read_only_disk_is_said_and_leaves_nothing_running() {
    let fixture = script("exec sleep 1000", "    probe: none\n");
    fs::create_dir(fixture.path().join(".doran")).unwrap();
    if let Some(said) = in_namespace(&fixture, "mount -t tmpfs -o ro none .doran", &["up", "-d", "--wait"]) {
        said.exits(1).says("Read-only file system").says("writable");
    }
    assert!(fixture.alive().is_empty());
}

#[test]
fn a_migration_with_a_syntax_error_stops_the_start_and_names_its_place() {
    let fixture = Fixture::system();
    let migrations = own_migrations(&fixture);
    let broken = migrations.join("auth_db/9001_broken.sql");
    fs::write(&broken, "create table fine (id int);\ncreate tabel broken (id int);\n").unwrap();
    fixture
        .doran(&["up", "-d", "--wait", "auth_db-migrate"])
        .exits(4)
        .says("auth_db-migrate")
        .says("9001_broken.sql:2:8")
        .says("tabel");
    fixture.assert_nothing_left();
    fs::remove_file(broken).unwrap();
    fixture.doran(&["up", "-d", "--wait", "auth_db-migrate"]).exits(0);
    let tables = "select count(*) from information_schema.tables where table_name = 'fine'";
    assert_eq!(fixture.doran(&["psql", "auth_db", "--", "-Atc", tables]).exits(0).stdout.trim(), "0");
}

#[test]
fn a_migration_that_was_edited_after_it_ran_is_refused() {
    let fixture = Fixture::system();
    let migrations = own_migrations(&fixture);
    fixture.doran(&["up", "-d", "--wait", "auth_db-migrate"]).exits(0);
    let first = fs::read_dir(migrations.join("auth_db")).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&first).unwrap();
    fs::write(&first, format!("{text}\n-- harmless\n")).unwrap();
    let name = first.file_name().unwrap().to_str().unwrap();
    fixture.doran(&["migrate", "--db", "auth_db"]).exits(1).says(name).says("edited");
    fixture.doran(&["down"]).exits(0);
    fixture.doran(&["up", "-d", "--wait", "auth_db-migrate"]).exits(4).says(name);
    fixture.assert_nothing_left();
}

/// The project's migrations as files of the test's own.
fn own_migrations(fixture: &Fixture) -> std::path::PathBuf {
    let own = fixture.path().join("migrations");
    fs::remove_file(&own).expect("remove the link");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations"), &own).expect("copy the migrations");
    own
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target)?;
        } else {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

#[test]
fn without_redis_the_system_comes_up_says_so_and_passes_its_smoke_tests() {
    let fixture = Fixture::system();
    let hide = "for server in redis-server valkey-server; do path=$(command -v $server) || continue; \
                mount --bind /dev/null $path || exit 1; done; true";
    if let Some(said) = in_namespace(&fixture, hide, &["up", "-d", "--wait"]) {
        said.exits(0).says("redis is not installed");
        assert!(fixture.ps()["items"].as_array().unwrap().iter().all(|unit| unit["kind"] != "cache"));
        fixture.doran(&["smoke"]).exits(0);
    }
}
