//! What bulkhead, budget, balancer, hedge and shedder add to a call, alone on a core.
//!
//! `cargo bench -p resilience --bench flow`, on an idle machine.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use resilience::balance::Balancer;
use resilience::bulkhead::Bulkhead;
use resilience::hedge::Hedge;
use resilience::limit::Config;
use resilience::retry::{Budget, Terms};
use resilience::shed::{Priority, Shedder};

fn flow(c: &mut Criterion) {
    let mut group = c.benchmark_group("flow");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime starts");
    let _runtime = runtime.enter();

    let bulkhead = Bulkhead::new(64, 128);
    group.bench_function("bulkhead: enter and leave", |b| {
        b.iter(|| runtime.block_on(bulkhead.enter(black_box(Duration::from_secs(1)))));
    });
    let budget = Budget::new(Terms::RETRIES);
    group.bench_function("budget: deposit", |b| b.iter(|| black_box(&budget).deposit()));
    group.bench_function("budget: withdraw", |b| b.iter(|| black_box(&budget).withdraw()));

    let balancer = Balancer::default();
    balancer.update(&[1, 2, 3]);
    group.bench_function("balancer: choose one of three, answered", |b| {
        b.iter(|| balancer.choose(|key| *black_box(key) > 0).expect("there are three").answered());
    });
    let hedge = Hedge::new();
    group.bench_function("hedge: an answer before the delay", |b| {
        b.iter(|| runtime.block_on(hedge.run(async |_| Ok::<_, Infallible>(black_box(1)))));
    });
    let shedder = Shedder::new(Config { initial: 100, min: 10, max: 1000 });
    group.bench_function("shedder: enter and answered", |b| {
        b.iter(|| shedder.try_enter(black_box(Priority::Interactive)).expect("one at a time").answered());
    });
    group.finish();
}

criterion_group!(benches, flow);
criterion_main!(benches);
