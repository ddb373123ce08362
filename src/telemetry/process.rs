//! What `/proc` says of the units' processes: one pass over all of them, for all units.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Read as _;
use std::sync::Arc;
use std::time::Instant;

use super::millis;
use super::sample::Process;

/// Passes for which a process that belongs to nobody is not looked at again. A number may be given out anew.
const FORGET_AFTER: u8 = 10;

/// Passes between two looks at what is dear to find out of many processes: shared memory and descriptors.
const DEAR: u8 = 5;

/// Looks at processes again and again.
pub(super) struct Scan {
    tick_ms: u64,
    page: u64,
    /// Processes of others, and for how many passes that is believed.
    foreign: HashMap<i32, u8>,
    last: BTreeMap<Arc<str>, Look>,
    own: Option<(Instant, u64)>,
    buffer: Vec<u8>,
}

/// A unit at one moment.
#[derive(Clone, Copy)]
struct Look {
    at: Instant,
    leader: (i32, u64),
    /// Of all its processes, and of those that have ended and were waited for.
    cpu_ticks: u64,
    /// What was found out of many processes, and passes for which that is good.
    memory: u64,
    fds: Option<u32>,
    good_for: u8,
}

/// The fields of `/proc/<pid>/stat` that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: i32,
    /// With that of children that were waited for.
    cpu_ticks: u64,
    own_ticks: u64,
    threads: u32,
    start_ticks: u64,
    resident: u64,
}

impl Scan {
    pub(super) fn new() -> Self {
        Self {
            tick_ms: 1000 / procfs::ticks_per_second().max(1),
            page: procfs::page_size(),
            foreign: HashMap::new(),
            last: BTreeMap::new(),
            own: None,
            buffer: Vec::with_capacity(1024),
        }
    }

    /// Figures of the units whose own processes are these.
    pub(super) fn look(&mut self, leaders: &[(Arc<str>, i32)]) -> BTreeMap<Arc<str>, Process> {
        let stats = self.stats();
        let at = Instant::now();
        let mut members = members(&stats, leaders);
        for pid in stats.keys().filter(|pid| !members.values().any(|pids| pids.contains(pid))) {
            self.foreign.entry(*pid).or_insert(FORGET_AFTER);
        }
        let mut last = BTreeMap::new();
        let mut figures = BTreeMap::new();
        for (unit, leader) in leaders {
            let (Some(pids), Some(own)) = (members.remove(unit), stats.get(leader)) else { continue };
            let leader = (*leader, own.start_ticks);
            let before = self.last.get(unit).copied().filter(|before| before.leader == leader);
            let known = before.filter(|before| before.good_for > 0 && pids.len() > 1);
            let mut process = self.figures(&pids, &stats, known.as_ref());
            let cpu_ticks = pids.iter().map(|pid| stats[pid].cpu_ticks).sum();
            let good_for = known.map_or(DEAR, |known| known.good_for) - 1;
            let now = Look { at, leader, cpu_ticks, memory: process.memory, fds: process.fds, good_for };
            if let Some(before) = before {
                process.over_ms = millis(at - before.at);
                let ticks = cpu_ticks.saturating_sub(before.cpu_ticks);
                process.cpu_ms = u32::try_from(ticks * self.tick_ms).unwrap_or(u32::MAX);
            }
            last.insert(Arc::clone(unit), now);
            figures.insert(Arc::clone(unit), process);
        }
        self.last = last;
        figures
    }

    /// This process alone.
    pub(super) fn own(&mut self) -> Option<Process> {
        let stat = self.read("/proc/self/stat").and_then(parse)?;
        let at = Instant::now();
        let before = self.own.replace((at, stat.own_ticks));
        let (over_ms, ticks) =
            before.map_or((0, 0), |(then, ticks)| (millis(at - then), stat.own_ticks.saturating_sub(ticks)));
        Some(Process {
            over_ms,
            cpu_ms: u32::try_from(ticks * self.tick_ms).unwrap_or(u32::MAX),
            memory: stat.resident * self.page,
            fds: None,
            threads: stat.threads,
            processes: 1,
        })
    }

    /// Every process that may belong to a unit.
    fn stats(&mut self) -> HashMap<i32, Stat> {
        self.foreign.retain(|_, passes| {
            *passes -= 1;
            *passes > 0
        });
        let mut stats = HashMap::new();
        let Ok(entries) = fs::read_dir("/proc") else { return stats };
        for entry in entries.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if self.foreign.contains_key(&pid) {
                continue;
            }
            // One that ends while the list is read is simply not in it.
            if let Some(stat) = self.read(&format!("/proc/{pid}/stat")).and_then(parse) {
                stats.insert(pid, stat);
            }
        }
        stats
    }

    fn figures(&mut self, pids: &[i32], stats: &HashMap<i32, Stat>, known: Option<&Look>) -> Process {
        let mut process =
            Process { processes: u32::try_from(pids.len()).unwrap_or(u32::MAX), ..Process::default() };
        process.threads = pids.iter().map(|pid| stats[pid].threads).sum();
        if let Some(known) = known {
            return Process { memory: known.memory, fds: known.fds, ..process };
        }
        let (mut own, mut shared) = (0, 0);
        for pid in pids {
            let stat = &stats[pid];
            let of_others = if pids.len() > 1 { self.shared(*pid) } else { 0 };
            own += stat.resident.saturating_sub(of_others);
            shared = shared.max(of_others);
        }
        // What processes of one unit share is there once: PostgreSQL's buffers are not counted by every session.
        process.memory = (own + shared) * self.page;
        process.fds = pids.iter().map(|pid| descriptors(*pid)).sum();
        process
    }

    /// Pages that others may have in their memory as well.
    fn shared(&mut self, pid: i32) -> u64 {
        let statm = self.read(&format!("/proc/{pid}/statm"));
        statm.and_then(|text| text.split_ascii_whitespace().nth(2)?.parse().ok()).unwrap_or_default()
    }

    fn read(&mut self, path: &str) -> Option<&str> {
        self.buffer.clear();
        File::open(path).ok()?.read_to_end(&mut self.buffer).ok()?;
        std::str::from_utf8(&self.buffer).ok()
    }
}

/// None when it may not be asked.
fn descriptors(pid: i32) -> Option<u32> {
    let path = format!("/proc/{pid}/fd");
    // Linux 6.2 and newer say it without a listing.
    let told = fs::metadata(&path).ok()?.len();
    let count = if told > 0 { told } else { fs::read_dir(&path).ok()?.count() as u64 };
    u32::try_from(count).ok()
}

/// Who belongs to which unit: the unit's own process, what descends from it, and what its shim has taken in.
fn members(stats: &HashMap<i32, Stat>, leaders: &[(Arc<str>, i32)]) -> BTreeMap<Arc<str>, Vec<i32>> {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let mut roots: HashMap<i32, &Arc<str>> = HashMap::new();
    for (unit, leader) in leaders {
        roots.insert(*leader, unit);
        // A leader whose shim is gone was taken in by the supervisor or by init.
        if let Some(shim) =
            stats.get(leader).map(|stat| stat.parent).filter(|parent| *parent > 1 && *parent != own)
        {
            roots.insert(shim, unit);
        }
    }
    let shims: Vec<i32> =
        roots.keys().copied().filter(|pid| !leaders.iter().any(|(_, leader)| leader == pid)).collect();
    let mut members: BTreeMap<Arc<str>, Vec<i32>> = BTreeMap::new();
    for pid in stats.keys().filter(|pid| !shims.contains(pid)) {
        let mut ancestor = *pid;
        // A list read while numbers are given out anew could contain a circle.
        for _ in 0..64 {
            if let Some(unit) = roots.get(&ancestor) {
                members.entry(Arc::clone(unit)).or_default().push(*pid);
                break;
            }
            match stats.get(&ancestor) {
                Some(stat) if ancestor != own => ancestor = stat.parent,
                Some(_) | None => break,
            }
        }
    }
    members
}

/// `pid (name) state parent group …`; the name may contain anything. Numbers of fields are those of proc(5).
fn parse(stat: &str) -> Option<Stat> {
    let tail = stat.rsplit_once(')')?.1;
    let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
    // The first one here is the third there.
    let field = |number: usize| fields.get(number - 3);
    let number = |index: usize| field(index)?.parse::<i64>().ok().and_then(|value| u64::try_from(value).ok());
    Some(Stat {
        parent: field(4)?.parse().ok()?,
        own_ticks: number(14)? + number(15)?,
        cpu_ticks: number(14)? + number(15)? + number(16)? + number(17)?,
        threads: u32::try_from(number(20)?).ok()?,
        start_ticks: number(22)?,
        resident: number(24)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(parent: i32) -> Stat {
        Stat { parent, cpu_ticks: 1, own_ticks: 1, threads: 1, start_ticks: 1, resident: 1 }
    }

    #[test]
    fn a_line_of_stat_is_read_whatever_the_name_is() {
        let line = "42 (a) S 1) S 7 40 39 0 -1 4194560 1 0 0 0 3 4 5 6 20 0 9 0 98765 1000 77 0 0";
        assert_eq!(
            parse(line),
            Some(Stat {
                parent: 7,
                cpu_ticks: 18,
                own_ticks: 7,
                threads: 9,
                start_ticks: 98765,
                resident: 77
            })
        );
        assert_eq!(parse("42 (a) S"), None);
    }

    #[test]
    fn descendants_and_orphans_belong_to_their_unit_and_shims_to_nobody() {
        let own = i32::try_from(std::process::id()).unwrap();
        let table = HashMap::from([
            (own, stat(1)),
            (own + 1, stat(own)),
            (own + 2, stat(own + 1)),
            (own + 3, stat(own + 2)),
            (own + 4, stat(own + 1)),
            (own + 5, stat(own)),
            (own + 6, stat(own + 5)),
        ]);
        let (one, two): (Arc<str>, Arc<str>) = ("one".into(), "two".into());
        let mut members = members(&table, &[(Arc::clone(&one), own + 2), (Arc::clone(&two), own + 6)]);
        for pids in members.values_mut() {
            pids.sort_unstable();
        }
        assert_eq!(members[&one], [own + 2, own + 3, own + 4]);
        assert_eq!(members[&two], [own + 6]);
    }

    #[test]
    fn this_process_is_seen_with_its_memory_and_descriptors() {
        let unit: Arc<str> = "tests".into();
        let leaders = [(Arc::clone(&unit), i32::try_from(std::process::id()).unwrap())];
        let mut scan = Scan::new();
        let first = scan.look(&leaders)[&unit];
        assert!(first.memory > 1 << 20 && first.fds.unwrap() > 0 && first.threads > 0, "{first:?}");
        assert_eq!((first.over_ms, first.cpu_ms), (0, 0), "the first look covers no time");
        let again = scan.look(&[(Arc::clone(&unit), 1)]);
        assert!(again.get(&unit).is_none_or(|other| other.over_ms == 0), "another process begins anew");
    }
}
