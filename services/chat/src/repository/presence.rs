//! Who is connected, by the instance that holds the connections.

use contract::id::{RoomId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

/// How an instance stands after a beat.
#[derive(Debug, Clone, Copy)]
pub struct Beat {
    /// It was not there before: what it had told is gone, too.
    pub fresh: bool,
    /// In how many milliseconds the first of the other leases runs out unless it is renewed.
    pub next_end_ms: Option<f64>,
}

/// The connections of one user in one room on one instance; none removes the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    pub room: RoomId,
    pub user: UserId,
    pub count: i32,
}

/// Who is in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Online {
    pub room: RoomId,
    pub users: Vec<UserId>,
}

/// Renews the lease of `instance`.
pub async fn beat(db: &mut PgConnection, instance: &str, lease_ms: f64) -> Result<Beat, sqlx::Error> {
    sqlx::query_as!(
        Beat,
        r#"
        insert into live_instance (instance, lease_until)
        values ($1, now() + $2 * interval '1 millisecond')
        on conflict (instance) do update
        set lease_until = excluded.lease_until
        returning
          xmax = 0 as "fresh!",
          (
            select (extract(epoch from min(other.lease_until) - now()) * 1000)::float8
            from live_instance other
            where other.instance <> $1
          ) as next_end_ms
        "#,
        instance,
        lease_ms
    )
    .fetch_one(db)
    .await
}

/// Removes the instances whose lease ran out, with their connections, and names the rooms of those.
pub async fn reap(db: &mut PgConnection, instance: &str) -> Result<Vec<RoomId>, sqlx::Error> {
    // The connections go by their foreign key, when this statement has read them.
    sqlx::query_scalar!(
        r#"
        with dead as (
          delete from live_instance
          where lease_until < now() and instance <> $1
          returning instance
        )
        select distinct room_id as "room_id: RoomId"
        from presence
        where instance in (select instance from dead)
        "#,
        instance
    )
    .fetch_all(db)
    .await
}

/// Makes the rows of `instance` say what its connections are. Fails when others took the instance for dead.
pub async fn set(
    db: &mut PgConnection,
    instance: &str,
    connections: &[Connections],
) -> Result<(), sqlx::Error> {
    let rooms: Vec<Uuid> = connections.iter().map(|row| row.room.as_uuid()).collect();
    let users: Vec<Uuid> = connections.iter().map(|row| row.user.as_uuid()).collect();
    let counts: Vec<i32> = connections.iter().map(|row| row.count).collect();
    sqlx::query!(
        r#"
        with given as (
          select *
          from unnest($2::uuid[], $3::uuid[], $4::int4[]) as given (room_id, user_id, connections)
        ),
        gone as (
          delete from presence
          using given
          where presence.instance = $1
            and presence.room_id = given.room_id
            and presence.user_id = given.user_id
            and given.connections = 0
        )
        insert into presence (room_id, user_id, instance, connections)
        select room_id, user_id, $1, connections
        from given
        where connections > 0
        on conflict (room_id, user_id, instance) do update
        set connections = excluded.connections
        "#,
        instance,
        &rooms,
        &users,
        &counts
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Who is in these rooms, on all instances that are alive. Rooms without anybody are left out.
pub async fn online(db: &mut PgConnection, rooms: &[RoomId]) -> Result<Vec<Online>, sqlx::Error> {
    let rooms: Vec<Uuid> = rooms.iter().map(|room| room.as_uuid()).collect();
    sqlx::query_as!(
        Online,
        r#"
        select
          room_id as "room: RoomId",
          array_agg(distinct user_id) as "users!: Vec<UserId>"
        from presence
        join live_instance using (instance)
        where room_id = any ($1) and lease_until > now()
        group by room_id
        "#,
        &rooms
    )
    .fetch_all(db)
    .await
}

/// The instance stops; its connections go with it.
pub async fn leave(db: &mut PgConnection, instance: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from live_instance where instance = $1", instance).execute(db).await?;
    Ok(())
}
