//! From the death of an owner to the first commit of who follows.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::job::JOBS;
use crate::stage::Stage;

const TIMES: usize = 3;

pub(crate) async fn measure(rows: u64) {
    let job = &JOBS[0];
    println!(
        "\ntakeover, with the lease as it is in a stack: from kill -9 to the first commit of the next owner"
    );
    for _ in 0..TIMES {
        let mut stage = Stage::set(job, rows.min(200_000)).await;
        let begun = stage.operator().trigger(job.name, serde_json::json!({})).await.unwrap();
        stage.second().await;
        committed(&stage, begun.id.as_uuid(), 0).await;
        stage.kill_first();
        let died = Instant::now();
        let so_far = commits(&stage, begun.id.as_uuid()).await;
        committed(&stage, begun.id.as_uuid(), so_far).await;
        println!("  {:.1?}", died.elapsed());
    }
}

/// Until there are more commits than so many. An execution that is over has no more to come.
async fn committed(stage: &Stage, execution: uuid::Uuid, than: i64) {
    let over = "select end_time is not null from execution where id = $1";
    let mut db = stage.batch.superuser().await;
    loop {
        let is_over: bool = sqlx::query_scalar(over).bind(execution).fetch_one(&mut db).await.unwrap();
        if commits(stage, execution).await > than {
            return;
        }
        assert!(!is_over, "it ended before its owner was killed: more --rows are needed");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn commits(stage: &Stage, execution: uuid::Uuid) -> i64 {
    let sql = "select coalesce(sum(commit_count), 0)::bigint from step where execution_id = $1";
    sqlx::query_scalar(sql).bind(execution).fetch_one(&mut stage.batch.superuser().await).await.unwrap()
}
