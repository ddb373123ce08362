//! What a unit writes, on good disks and bad.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Instant;

use serde_json::json;

use super::harness::Place;

/// Records of the index: offset, length, stream, errno.
fn records(place: &Place) -> Vec<(u64, u32, u8, u16)> {
    let index = fs::read(place.log(1).with_extension("idx")).expect("read the index");
    assert_eq!(&index[..8], b"DORANIDX");
    let (records, torn) = index[32..].as_chunks::<32>();
    assert!(torn.is_empty());
    let number = |record: &[u8; 32]| {
        let long = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| record[at + i]));
        let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| record[at + i]));
        let short = |at: usize| u16::from_le_bytes(std::array::from_fn(|i| record[at + i]));
        (long(0), word(8), record[12], short(14))
    };
    records.iter().map(number).collect()
}

#[test]
fn a_burst_of_46_mb_arrives_complete_and_in_order() {
    const LINES: usize = 500_000;
    let place = Place::new();
    let lines: Vec<String> = (0..LINES).map(|line| format!("{line:091}\n")).collect();
    let expected = lines.concat();
    fs::write(place.path().join("burst"), &expected).unwrap();
    let begun = Instant::now();
    let mut shim = place.run("cat burst");
    shim.spawned();
    assert_eq!(shim.client.next(), json!({ "exited": { "code": 0 } }));
    println!("{} bytes accepted in {:?}", expected.len(), begun.elapsed());
    shim.ends();
    assert!(fs::read(place.log(1)).unwrap() == expected.as_bytes(), "nothing lost, nothing moved");
    let mut end = 0;
    for (offset, length, stream, _) in records(&place) {
        assert_eq!((offset, stream), (end, 1));
        end += u64::from(length);
    }
    assert_eq!(end, expected.len() as u64);
}

#[test]
fn the_streams_are_told_apart() {
    let place = Place::new();
    let mut shim = place.run("printf out; printf error >&2");
    shim.spawned();
    shim.client.next();
    shim.ends();
    let log = fs::read(place.log(1)).unwrap();
    let mut of_stream = [(1, "out"), (2, "error")].into_iter();
    assert!(of_stream.all(|(stream, text)| {
        records(&place).iter().any(|(offset, length, from, _)| {
            let from_to =
                usize::try_from(*offset).unwrap()..usize::try_from(*offset).unwrap() + *length as usize;
            *from == stream && &log[from_to] == text.as_bytes()
        })
    }));
}

#[test]
fn a_full_disk_neither_stops_the_unit_nor_hides_what_was_lost() {
    let place = Place::new();
    fs::create_dir(place.logs()).unwrap();
    symlink("/dev/full", place.log(1)).unwrap();
    let bytes: u64 = 20_000_000;
    let mut shim = place.run(&format!("yes | head -c {bytes}; exit 5"));
    shim.spawned();
    assert_eq!(shim.client.next(), json!({ "exited": { "code": 5 } }));
    shim.ends();
    let gaps = records(&place);
    assert!(
        gaps.iter().all(|(_, _, stream, errno)| (*stream, *errno) == (3, 28)),
        "gaps, by ENOSPC: {gaps:?}"
    );
    assert_eq!(gaps.iter().map(|gap| u64::from(gap.1)).sum::<u64>(), bytes, "every byte is counted");
}

#[test]
fn a_log_directory_that_cannot_exist_does_not_keep_the_unit_from_running() {
    let place = Place::new();
    fs::write(place.logs(), "a file where a directory should be").unwrap();
    let mut shim = place.run("echo unheard; exit 0");
    shim.spawned();
    assert_eq!(shim.client.next(), json!({ "exited": { "code": 0 } }));
    shim.ends();
}

#[test]
fn the_oldest_runs_make_room() {
    let place = Place::new();
    fs::create_dir(place.logs()).unwrap();
    for run in 1..=12 {
        fs::write(place.log(run), "old").unwrap();
        fs::write(place.log(run).with_extension("idx"), "").unwrap();
    }
    let mut spec = place.spec("exit 0");
    spec["run"] = json!(13);
    let mut shim = place.run_spec(&spec);
    shim.client.next();
    assert!(!place.log(3).exists() && place.log(4).exists());
    assert_eq!(fs::read_dir(place.logs()).unwrap().count(), 2 * 10, "ten runs, the new one included");
}
