//! Who descends from whom, read from `/proc`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use super::protocol::ProcessIdentity;

/// What a signal needs to know about a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) identity: ProcessIdentity,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    /// It has ended, and waits for its parent to notice.
    pub(crate) zombie: bool,
}

/// Every process of the machine. One that ends while the list is read is simply not in it.
pub(crate) fn table() -> io::Result<Vec<Process>> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok());
        processes.extend(pid.and_then(process));
    }
    Ok(processes)
}

/// `None` when there is no such process.
pub(crate) fn process(pid: i32) -> Option<Process> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The living processes below `root`, which is not among them.
pub(crate) fn living(table: &[Process], root: i32) -> Vec<Process> {
    let mut children: BTreeMap<i32, Vec<&Process>> = BTreeMap::new();
    for process in table {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    // A list read while pids are reused could contain a circle.
    let mut seen = BTreeSet::from([root]);
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for child in children.get(&parent).into_iter().flatten() {
            if seen.insert(child.identity.pid) {
                parents.push(child.identity.pid);
                found.push(**child);
            }
        }
    }
    found.retain(|process| !process.zombie);
    found
}

/// `/proc/<pid>/stat`: pid (name) state parent group … start time as field 22. The name may contain anything.
fn parse(stat: &str) -> Option<Process> {
    let (head, tail) = (stat.split_once(' ')?.0, stat.rsplit_once(')')?.1);
    let mut fields = tail.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    // State is field 3, so field 22 is the 17th after the group.
    let start_ticks = fields.nth(16)?.parse().ok()?;
    Some(Process {
        identity: ProcessIdentity { pid: head.parse().ok()?, start_ticks },
        parent,
        group,
        zombie: matches!(state, "Z" | "X"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pid: i32, parent: i32, zombie: bool) -> Process {
        Process { identity: ProcessIdentity { pid, start_ticks: 1 }, parent, group: pid, zombie }
    }

    fn pids(table: &[Process], root: i32) -> Vec<i32> {
        let mut pids: Vec<i32> = living(table, root).iter().map(|process| process.identity.pid).collect();
        pids.sort_unstable();
        pids
    }

    #[test]
    fn a_name_with_parentheses_and_spaces_is_no_obstacle() {
        let stat = "42 (a) R 1 (b)) S 7 40 39 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765 1 2 3";
        let expected = Process {
            identity: ProcessIdentity { pid: 42, start_ticks: 98765 },
            parent: 7,
            group: 40,
            zombie: false,
        };
        assert_eq!(parse(stat), Some(expected));
        assert_eq!(parse("42 (a"), None);
    }

    #[test]
    fn this_process_reads_itself() {
        let own = process(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(!own.zombie && own.identity.start_ticks > 0, "{own:?}");
        assert!(table().unwrap().contains(&own));
    }

    #[test]
    fn descendants_are_found_through_zombies_but_zombies_are_not_alive() {
        let table = [of(2, 1, false), of(3, 2, true), of(4, 3, false), of(9, 8, false)];
        assert_eq!(pids(&table, 1), [2, 4]);
        assert_eq!(pids(&table, 4), [0; 0]);
    }

    #[test]
    fn a_circle_in_an_inconsistent_table_ends() {
        assert_eq!(pids(&[of(1, 2, false), of(2, 1, false)], 1), [2]);
    }
}
