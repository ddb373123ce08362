//! How soon a dead owner is followed, with the settings of the service and by the database's clock.

use batch::engine::point::Point;
use batch::engine::runner::Settings;
use chrono::{DateTime, TimeDelta, Utc};
use testkit::eventually;

use super::cluster::PATIENCE;
use super::fate::{End, Fate};
use super::role::Lease;
use super::scene::{Scene, Way};
use super::stage::Stage;
use super::tell::tell;
use super::trial::Trial;

/// Of the instance that is left, until it must have seen the lease end; a look is late where the machine is busy.
const POLLS: i32 = 8;
/// What the service promises.
const PROMISE: TimeDelta = TimeDelta::seconds(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_owner_is_followed_within_fifteen_seconds() {
    let stage = Stage::set(&[Trial::Own], 1000).await;
    let plain = stage.plain(Trial::Own).await;
    let (point, step) = (Point::Written.as_str().to_owned(), "copy".to_owned());
    let fate = Fate { end: End::Killed, point, step, nth: 2 };
    let way = Way { lease: Lease::Real, ..Way::default() };
    let mut scene = Scene::set(&stage, Trial::Own, &[fate], way).await;
    let [mut first, mut second] = [scene.units[0].start(), scene.units[1].start()];
    first.ready().await;
    second.ready().await;
    scene.begin().await;
    let first_died = tokio::select! {
        () = first.death() => true,
        () = second.death() => false,
    };
    let other = if first_died { second } else { first };
    let (lease_end, fence) = scene.lease().await;
    assert_eq!(fence, 1, "the dead owner's lease was looked at too late");
    eventually(PATIENCE, || async { scene.fence().await.0 > 1 }).await;
    let claimed = scene.claimed_again().await;
    let (poll, lease) = (Settings::default().poll, Settings::default().lease);
    let late = claimed - lease_end;
    tell(&format!("taken over {} ms after the lease's end", late.num_milliseconds()));
    let bound = TimeDelta::from_std(poll * POLLS.unsigned_abs()).unwrap();
    assert!((TimeDelta::zero()..=bound).contains(&late), "{late} after the end of the lease");
    // It died after its last sign of life, with which the lease began.
    assert!(TimeDelta::from_std(lease).unwrap() + bound < PROMISE);
    scene.ended().await;
    other.end().await;
    let wrongs = plain.outcome.differences(&scene.close().await);
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}

impl Scene<'_> {
    /// Until when the owner is believed in, and the fence.
    async fn lease(&self) -> (DateTime<Utc>, i64) {
        let sql = "select lease_until, fence from execution";
        sqlx::query_as(sql).fetch_one(&mut self.batch.superuser().await).await.unwrap()
    }

    /// When the second owner took it up.
    async fn claimed_again(&self) -> DateTime<Utc> {
        let sql = "select created_at from log where message like 'taken over from %'";
        sqlx::query_scalar(sql).fetch_one(&mut self.batch.superuser().await).await.unwrap()
    }
}
