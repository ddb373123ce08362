//! Finds the server's programs.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use thiserror::Error;

use crate::SearchPlaces;
use crate::search::is_executable;
use crate::tool;

/// The first version whose schema `public` is closed to everybody and whose `create database` does not
/// force checkpoints.
const OLDEST: u32 = 15;

/// A directory with `postgres` and `initdb`, and what version they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    pub bin_dir: PathBuf,
    /// As the server says it, e.g. `15.18`.
    pub version: String,
}

#[derive(Debug, Error)]
#[error(
    "found no PostgreSQL {OLDEST} or newer (looked {places}): install it (Debian and Ubuntu: `apt-get install \
     postgresql`), or put the directory of its `initdb` on PATH",
    places = looked.join("; ")
)]
pub struct NotFound {
    /// Where, and what was found there that would not do.
    pub looked: Vec<String>,
}

impl Installation {
    /// # Errors
    /// When this machine has no usable server; the text names the package.
    pub fn find() -> Result<Self, NotFound> {
        Self::find_in(&SearchPlaces::of_this_machine())
    }

    /// # Errors
    /// When `places` hold no usable server; the text names the package.
    pub fn find_in(places: &SearchPlaces) -> Result<Self, NotFound> {
        let mut rejected = Vec::new();
        let candidates = on_path(places).chain(by_pg_config(places)).chain(by_version(places));
        for bin_dir in candidates.filter(|bin_dir| is_complete(bin_dir)) {
            match version_of(&bin_dir) {
                Some(version) if major(&version).is_some_and(|major| major >= OLDEST) => {
                    return Ok(Self { bin_dir, version });
                }
                Some(version) => rejected.push(format!("{} has version {version}", bin_dir.display())),
                None => rejected.push(format!("{} does not say its version", bin_dir.display())),
            }
        }
        let roots = places.versioned_roots.iter().map(|root| format!("below {}", root.display()));
        let looked = ["on PATH".to_owned(), "where pg_config points".to_owned()];
        rejected.dedup();
        Err(NotFound { looked: looked.into_iter().chain(roots).chain(rejected).collect() })
    }

    /// `15` of `15.18`.
    pub fn major(&self) -> &str {
        self.version.split('.').next().unwrap_or(&self.version)
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.bin_dir.join(name)
    }
}

/// Links are followed: `/usr/local/bin/postgres` usually points into the directory that has everything.
fn on_path(places: &SearchPlaces) -> impl Iterator<Item = PathBuf> {
    let found =
        places.path.iter().map(|place| place.join("postgres")).filter(|program| is_executable(program));
    found.filter_map(|program| program.canonicalize().ok()?.parent().map(Path::to_owned))
}

fn by_pg_config(places: &SearchPlaces) -> impl Iterator<Item = PathBuf> {
    // Lazily: asking costs a process, and PATH usually answers first.
    std::iter::once_with(|| {
        let mut command = tool::command(&places.program("pg_config")?, None);
        command.arg("--bindir").stdout(Stdio::piped());
        let output = tool::run(command, "").ok()?;
        Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
    })
    .flatten()
}

/// Newest first.
fn by_version(places: &SearchPlaces) -> impl Iterator<Item = PathBuf> {
    let directories = places.versioned_roots.iter().filter_map(|root| root.read_dir().ok()).flatten();
    let mut versions: Vec<_> = directories
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((major(entry.file_name().to_str()?)?, entry.path().join("bin")))
        })
        .collect();
    versions.sort_unstable_by(|left, right| right.cmp(left));
    versions.into_iter().map(|(_, bin_dir)| bin_dir)
}

fn is_complete(bin_dir: &Path) -> bool {
    ["postgres", "initdb"].iter().all(|name| is_executable(&bin_dir.join(name)))
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` → `15.18`.
fn version_of(bin_dir: &Path) -> Option<String> {
    let mut command = tool::command(&bin_dir.join("postgres"), None);
    command.arg("--version").stdout(Stdio::piped());
    let text = String::from_utf8(tool::run(command, "").ok()?.stdout).ok()?;
    text.split_whitespace().find(|word| major(word).is_some()).map(str::to_owned)
}

fn major(version: &str) -> Option<u32> {
    let digits = version.find(|letter: char| !letter.is_ascii_digit()).map_or(version, |end| &version[..end]);
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn fake(bin_dir: &Path, version: &str) {
        fs::create_dir_all(bin_dir).unwrap();
        for name in ["postgres", "initdb"] {
            script(
                &bin_dir.join(name),
                &format!("echo 'postgres (PostgreSQL) {version} (Debian {version}-1)'"),
            );
        }
    }

    fn script(path: &Path, line: &str) {
        fs::write(path, format!("#!/bin/sh\n{line}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn nothing_installed_names_the_package_and_the_places() {
        let home = tempfile::tempdir().unwrap();
        let places =
            SearchPlaces { path: vec![home.path().into()], versioned_roots: vec![home.path().join("no")] };
        let text = Installation::find_in(&places).unwrap_err().to_string();
        assert!(text.contains("apt-get install postgresql"), "{text}");
        assert!(text.contains(places.versioned_roots[0].to_str().unwrap()), "{text}");
    }

    #[test]
    fn the_newest_version_below_the_root_is_taken_by_number() {
        let home = tempfile::tempdir().unwrap();
        for version in ["15.2", "9.6.24", "18.0"] {
            fake(&home.path().join(version.split('.').next().unwrap()).join("bin"), version);
        }
        let places = SearchPlaces { path: vec![], versioned_roots: vec![home.path().into()] };
        let found = Installation::find_in(&places).unwrap();
        assert_eq!((found.version.as_str(), found.major()), ("18.0", "18"));
        assert_eq!(found.bin_dir, home.path().join("18/bin"));
    }

    #[test]
    fn a_server_that_is_too_old_is_named_in_the_error() {
        let home = tempfile::tempdir().unwrap();
        fake(&home.path().join("9.6/bin"), "9.6.24");
        let places = SearchPlaces { path: vec![], versioned_roots: vec![home.path().into()] };
        let text = Installation::find_in(&places).unwrap_err().to_string();
        assert!(text.contains("has version 9.6.24"), "{text}");
    }

    #[test]
    fn a_link_on_path_leads_to_the_directory_with_everything() {
        let home = tempfile::tempdir().unwrap();
        let (real, links) = (home.path().join("real"), home.path().join("links"));
        fake(&real, "16.1");
        fs::create_dir(&links).unwrap();
        symlink(real.join("postgres"), links.join("postgres")).unwrap();
        let places = SearchPlaces { path: vec![links], versioned_roots: vec![] };
        assert_eq!(Installation::find_in(&places).unwrap().bin_dir, real.canonicalize().unwrap());
    }

    #[test]
    fn pg_config_is_asked_when_path_has_no_server() {
        let home = tempfile::tempdir().unwrap();
        let (real, tools) = (home.path().join("real"), home.path().join("tools"));
        fake(&real, "17.3");
        fs::create_dir(&tools).unwrap();
        script(&tools.join("pg_config"), &format!("[ \"$1\" = --bindir ] && echo {}", real.display()));
        let places = SearchPlaces { path: vec![tools], versioned_roots: vec![] };
        assert_eq!(Installation::find_in(&places).unwrap().bin_dir, real);
    }
}
