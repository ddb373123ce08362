//! The proof itself.

use tokio::time::Instant;

use super::calm::{leave, settle};
use super::fault::Target;
use super::figures::Figures;
use super::gust::gusts;
use super::scene::Scene;
use super::tempest::tempest;
use super::world::Dice;

/// How often each fault happens alone.
pub(crate) const GUSTS: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_stream_brings_every_message_once_and_in_order_whatever_dies() {
    let Some(mut scene) = Scene::set().await else { return };
    let seed = number("STORM_SEED").unwrap_or_else(rand::random);
    let rounds = number("STORM_ROUNDS").map_or(1, |rounds| usize::try_from(rounds).unwrap());
    announce(seed);
    let dice = Dice::new(seed);
    let (world, db) = (scene.world.clone(), scene.around.database.clone());
    let (mut clients, mut writers) = (scene.clients(&dice), scene.writers(&dice));

    let began = Instant::now();
    let all = async {
        gusts(GUSTS, &mut scene.targets, &scene.around, &mut dice.next()).await;
        Box::pin(tempest(rounds, &mut scene.targets, &scene.around, &dice)).await;
        let stormed = began.elapsed();
        world.late.during("after the storm");
        world.calm.cancel();
        while let Some(ended) = writers.join_next().await {
            ended.unwrap();
        }
        settle(&world, &db).await;
        stormed
    };
    let stormed = tokio::select! {
        stormed = all => stormed,
        () = world.broken.cancelled() => began.elapsed(),
    };
    let wrongs = world.wrongs();
    assert!(wrongs.is_empty(), "\n{}", wrongs.join("\n"));
    let memory = scene.targets.iter_mut().map(Target::look).max().unwrap_or_default();
    leave(&world, &scene.targets, &mut clients).await;

    let figures = Figures::gather(&db, seed, rounds, stormed, began.elapsed(), memory).await;
    figures.report(&world);
    figures.require_a_storm(&world);
}

fn number(variable: &str) -> Option<u64> {
    std::env::var_os(variable).map(|text| text.to_str().unwrap().parse().unwrap())
}

#[expect(clippy::print_stderr, reason = "who sees a failure has to know how to see it again")]
fn announce(seed: u64) {
    eprintln!("STORM_SEED={seed}");
}
