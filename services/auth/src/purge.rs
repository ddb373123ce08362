//! One chunk of a purge: kind by kind until the limit is reached.

use contract::auth::maintenance::{PurgeTokens, PurgedTokens};
use sqlx::PgConnection;

use crate::domain::purge::Place;
use crate::repository::purge::{self, Mode};
use crate::repository::throttle;

/// Works on from `place` until so many rows are done or nothing is left, in the caller's transaction.
pub async fn chunk(
    db: &mut PgConnection,
    wanted: &PurgeTokens,
    mut place: Place,
    limit: i64,
    mode: Mode,
) -> Result<PurgedTokens, sqlx::Error> {
    let mut done = PurgedTokens { dry_run: mode == Mode::Rehearse, ..PurgedTokens::default() };
    let mut left = limit;
    loop {
        if left <= 0 {
            done.next = Some(place.to_string());
            return Ok(done);
        }
        let seen = step(db, wanted, &mut place, left, mode, &mut done).await?;
        let is_last = seen < left;
        left -= seen;
        if is_last {
            match place.next_kind() {
                Some(next) => place = next,
                None => return Ok(done),
            }
        }
    }
}

/// Looks at up to `left` rows of the kind at hand and moves the place behind them. Answers how many there were.
async fn step(
    db: &mut PgConnection,
    wanted: &PurgeTokens,
    place: &mut Place,
    left: i64,
    mode: Mode,
    done: &mut PurgedTokens,
) -> Result<i64, sqlx::Error> {
    let (seen, taken) = match place {
        Place::Sessions { over_at, id } => {
            let over = purge::sessions(db, wanted.expired_before, (*over_at, *id), left, mode).await?;
            if let Some(last) = over.last() {
                (*over_at, *id) = (last.over_at, last.id.as_uuid());
            }
            let taken = over.len();
            done.sessions += taken as u64;
            done.tokens += over.iter().map(|session| session.tokens.unsigned_abs()).sum::<u64>();
            if mode == Mode::Rehearse {
                done.expired.extend(over);
            }
            (taken, taken as u64)
        }
        Place::Tokens { expires_at, hash } => {
            let expired = purge::tokens(db, wanted.expired_before, (*expires_at, hash), left, mode).await?;
            let taken = expired.iter().filter(|token| token.is_left_over).count() as u64;
            done.tokens += taken;
            let seen = expired.len();
            if let Some(last) = expired.into_iter().next_back() {
                (*expires_at, *hash) = (last.expires_at, last.hash);
            }
            (seen, taken)
        }
        Place::Buckets => {
            let (seen, taken) = match mode {
                Mode::Remove => {
                    let swept = throttle::sweep(db, left).await?;
                    (usize::try_from(swept).unwrap_or(usize::MAX), swept)
                }
                // They have no order to go on in, and stay: counted once, and done with.
                Mode::Rehearse => (0, purge::empty_buckets(db).await?),
            };
            done.buckets += taken;
            (seen, taken)
        }
        Place::Audit { at, id } => {
            let Some(before) = wanted.audit_before else { return Ok(0) };
            let old = purge::audit(db, before, (*at, *id), left, mode).await?;
            if let Some(last) = old.last() {
                (*at, *id) = (last.at, last.id);
            }
            done.audit += old.len() as u64;
            (old.len(), old.len() as u64)
        }
    };
    done.processed += taken;
    Ok(i64::try_from(seen).unwrap_or(i64::MAX))
}
