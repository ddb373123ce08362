//! Prints the owner's URL of a migrated database that lives until standard input ends:
//! `cargo run -p testkit --example database -- auth_db`.

use std::io::Write as _;
use std::process::ExitCode;

use testkit::TestDb;
use tokio::io::AsyncReadExt as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let Some(database) = std::env::args().nth(1) else {
        writeln!(std::io::stderr(), "usage: database <name>, e.g. auth_db")?;
        return Ok(ExitCode::from(2));
    };
    let database = TestDb::new(&database).await;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", database.owner_url())?;
    stdout.flush()?;
    let mut input = tokio::io::stdin();
    let mut ignored = [0; 1024];
    while input.read(&mut ignored).await? > 0 {}
    Ok(ExitCode::SUCCESS)
}
