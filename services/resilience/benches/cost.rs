//! What the cores cost on the hot path.
//!
//! One group a core. `cargo bench -p resilience`; a figure is only worth something with the machine's name and
//! an idle machine.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use resilience::breaker::{Breaker, Config, Machine, Observer, Outcome, Report, Wait};

/// One call through the breaker: a permit, two looks at the clock, an outcome in the window, an event.
fn call(breaker: &Breaker) {
    if let Ok(permit) = black_box(breaker).try_acquire() {
        black_box(permit).success();
    }
}

fn breaker(c: &mut Criterion) {
    let new = |name| Breaker::new(name, Config::default(), None).expect("the default settings are good");
    let mut group = c.benchmark_group("breaker");
    group.bench_function("the machine alone, without lock and clock", |b| {
        let now = Duration::from_secs(1);
        let mut machine = Machine::new(Config::default(), now, SmallRng::seed_from_u64(1))
            .expect("the default settings are good");
        b.iter(|| {
            let token = machine.acquire(black_box(now), None).expect("a closed breaker admits");
            let report = Report { outcome: Outcome::Success, duration: Duration::ZERO, trace: None };
            machine.finish(now, token, report);
        });
    });
    let closed = new("closed");
    group.bench_function("acquire and record", |b| b.iter(|| call(&closed)));

    let observer: Observer = Arc::new(|_, event| {
        black_box(event);
    });
    let watched = Breaker::new("watched", Config::default(), Some(observer)).expect("as above");
    group.bench_function("acquire and record, observed", |b| b.iter(|| call(&watched)));

    let contended = new("contended");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                call(&contended);
            }
        });
        group.bench_function("acquire and record against a second thread", |b| b.iter(|| call(&contended)));
        over.store(true, Ordering::Relaxed);
    });

    let for_an_hour = Config { wait: Wait::fixed(Duration::from_hours(1)), ..Config::default() };
    let open = Breaker::new("open", for_an_hour, None).expect("as above");
    while let Ok(permit) = open.try_acquire() {
        permit.failure("connect");
    }
    group.bench_function("reject", |b| b.iter(|| black_box(&open).try_acquire().is_err()));
    group.finish();
}

criterion_group!(cost, breaker);
criterion_main!(cost);
