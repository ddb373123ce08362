//! Copies a cluster's files: holes stay holes, nothing is shared with the original.

use std::fs::{self, DirEntry, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom as StdSeekFrom};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::{FallocateFlags, OFlags, SeekFrom};
use rustix::io::Errno;

use crate::ServerUser;
use crate::directory::{self, DirectoryError, failed};

/// Below this, a hole saves nothing worth a system call.
const HOLE_BYTES: usize = 64 * 1024;

/// Copies the directory `from` to the new directory `to`, private to `owner`.
///
/// A directory is handed over when it is complete, so nobody but us can put a link in our way.
pub(super) fn tree(from: &Path, to: &Path, owner: Option<&ServerUser>) -> Result<(), DirectoryError> {
    directory::make_private(to, None)?;
    for entry in fs::read_dir(from).map_err(failed("read", from))? {
        let entry = entry.map_err(failed("read", from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if is_directory(&entry)? {
            tree(&source, &target, owner)?;
        } else {
            file(&source, &target).map_err(failed("copy", &source))?;
            directory::hand_over(&target, owner)?;
        }
    }
    directory::hand_over(to, owner)
}

/// A cluster of ours holds directories and plain files only.
fn is_directory(entry: &DirEntry) -> Result<bool, DirectoryError> {
    let unexpected = || io::Error::new(io::ErrorKind::InvalidData, "neither a file nor a directory");
    let kind = entry.file_type().and_then(|kind| match (kind.is_dir(), kind.is_file()) {
        (false, false) => Err(unexpected()),
        (is_directory, _) => Ok(is_directory),
    });
    kind.map_err(failed("copy", &entry.path()))
}

fn file(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = OpenOptions::new().read(true).custom_flags(nofollow()).open(from)?;
    let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let length = source.metadata()?.len();
    let mut position = 0;
    while let Some((start, end)) = next_data(&source, position, length)? {
        source.seek(StdSeekFrom::Start(start))?;
        target.seek(StdSeekFrom::Start(start))?;
        io::copy(&mut (&source).take(end - start), &mut target)?;
        position = end;
    }
    target.set_len(length)
}

fn nofollow() -> i32 {
    OFlags::NOFOLLOW.bits().cast_signed()
}

/// The next stretch that is not a hole.
fn next_data(file: &File, position: u64, length: u64) -> io::Result<Option<(u64, u64)>> {
    if position >= length {
        return Ok(None);
    }
    match rustix::fs::seek(file, SeekFrom::Data(position)) {
        Ok(start) => Ok(Some((start, rustix::fs::seek(file, SeekFrom::Hole(start))?))),
        Err(Errno::NXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Gives back the disk blocks of zeros, which are most of a fresh log segment of 16 MiB.
pub(super) fn punch_holes(directory: &Path) -> Result<(), DirectoryError> {
    for entry in fs::read_dir(directory).map_err(failed("read", directory))? {
        let entry = entry.map_err(failed("read", directory))?;
        if !is_directory(&entry)? {
            punch(&entry.path()).map_err(failed("shrink", &entry.path()))?;
        }
    }
    Ok(())
}

fn punch(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).custom_flags(nofollow()).open(path)?;
    let (mut buffer, mut position) = (vec![0; HOLE_BYTES], 0);
    loop {
        let read = read_full(&mut file, &mut buffer)?;
        if read < HOLE_BYTES {
            return Ok(());
        }
        if buffer.iter().all(|byte| *byte == 0) {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            match rustix::fs::fallocate(file.as_fd(), flags, position, HOLE_BYTES as u64) {
                // A file system without holes only copies more.
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(()),
                other => other?,
            }
        }
        position += HOLE_BYTES as u64;
    }
}

fn read_full(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_copy_is_equal_private_and_keeps_its_holes() {
        let home = tempfile::tempdir().unwrap();
        let (from, to) = (home.path().join("from"), home.path().join("to"));
        fs::create_dir_all(from.join("deep").join("empty")).unwrap();
        let mut segment = vec![0; 40 * HOLE_BYTES];
        segment[3 * HOLE_BYTES + 5] = 7;
        fs::write(from.join("deep/segment"), &segment).unwrap();
        fs::write(from.join("deep/nothing"), []).unwrap();
        punch_holes(&from.join("deep")).unwrap();
        tree(&from, &to, None).unwrap();
        assert_eq!(fs::read(to.join("deep/segment")).unwrap(), segment);
        assert_eq!(to.join("deep/nothing").metadata().unwrap().len(), 0);
        assert!(to.join("deep/empty").is_dir());
        let (original, copy) =
            (from.join("deep/segment").metadata().unwrap(), to.join("deep/segment").metadata().unwrap());
        assert!(copy.blocks() <= original.blocks(), "{} > {}", copy.blocks(), original.blocks());
        assert_ne!(copy.ino(), original.ino());
        assert_eq!(
            (copy.mode() & 0o777, to.metadata().unwrap().permissions().mode() & 0o777),
            (0o600, 0o700)
        );
    }

    #[test]
    fn a_link_in_the_original_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let from = home.path().join("from");
        fs::create_dir(&from).unwrap();
        symlink("/etc/passwd", from.join("link")).unwrap();
        assert!(tree(&from, &home.path().join("to"), None).is_err());
    }
}
