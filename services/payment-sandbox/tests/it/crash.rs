//! What was acknowledged survives the end of the process, however it ends.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use testkit::eventually;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::fixture::Home;
use crate::process::{Process, doomed};

const LIMIT: Duration = Duration::from_secs(20);
const ROUNDS: usize = 5;
const PAYERS: usize = 8;

/// Pays until nobody answers, and says how far each payment came.
async fn pay(sandbox: Arc<Process>, acknowledged: Arc<AtomicUsize>) -> Vec<(Uuid, &'static str)> {
    let mut known = Vec::new();
    loop {
        let payment = Uuid::now_v7();
        match sandbox.authorise(payment, "tok_approve").send().await {
            Ok(answer) if answer.status() == 200 => known.push((payment, "AUTHORISED")),
            _ => return known,
        }
        acknowledged.fetch_add(1, Ordering::Relaxed);
        match sandbox.capture(payment).send().await {
            Ok(answer) if answer.status() == 200 => known.last_mut().unwrap().1 = "CAPTURED",
            _ => return known,
        }
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_acknowledged_is_lost_when_it_is_killed() {
    let home = Home::new();
    let mut known: Vec<(Uuid, &str)> = Vec::new();
    for round in 1..=ROUNDS {
        let sandbox = Arc::new(Process::start(&home));
        let pid = sandbox.pid();
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let mut payers = JoinSet::new();
        for _ in 0..PAYERS {
            payers.spawn(pay(sandbox.clone(), acknowledged.clone()));
        }
        let count = 40 * round;
        eventually(LIMIT, || async { acknowledged.load(Ordering::Relaxed) >= count }).await;
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        for paid in payers.join_all().await {
            known.extend(paid);
        }
    }
    let sandbox = Process::start(&home);
    let mut uncertain = 0;
    for (payment, acknowledged) in &known {
        let found = sandbox.find(*payment).await["status"].clone();
        // The last capture of a payer may have been booked though its answer was lost.
        if found != *acknowledged {
            assert_eq!((*acknowledged, &found), ("AUTHORISED", &Value::from("CAPTURED")));
            uncertain += 1;
        }
    }
    assert!(uncertain <= ROUNDS * PAYERS, "{uncertain}");
    assert!(sandbox.stop().success());
}

#[tokio::test]
async fn a_lost_answer_is_booked_and_given_to_whoever_asks_again() {
    let home = Home::new();
    let sandbox = Process::start(&home);
    let payment = Uuid::now_v7();
    let lost = async { sandbox.authorise(payment, "tok_lost_answer").send().await?.bytes().await };
    let error = lost.await.unwrap_err();
    assert!(!error.is_connect() && !error.is_timeout(), "{error:?}");
    assert_eq!(sandbox.find(payment).await["status"], "AUTHORISED");
    let again = sandbox.authorise(payment, "tok_lost_answer").send().await.unwrap();
    assert_eq!(again.json::<Value>().await.unwrap()["status"], "AUTHORISED");
}

#[tokio::test]
async fn a_torn_last_line_is_cut_off_with_a_warning() {
    let home = Home::new();
    let payment = Uuid::now_v7();
    let sandbox = Process::start(&home);
    sandbox.authorise(payment, "tok_approve").send().await.unwrap().error_for_status().unwrap();
    sandbox.capture(payment).send().await.unwrap().error_for_status().unwrap();
    sandbox.kill();
    let whole = fs::read(home.ledger()).unwrap();
    fs::write(home.ledger(), &whole[..whole.len() - 9]).unwrap();
    let sandbox = Process::start(&home);
    assert_eq!(sandbox.find(payment).await["status"], "AUTHORISED", "the capture was never finished");
    sandbox.capture(payment).send().await.unwrap().error_for_status().unwrap();
    assert!(sandbox.stop().success());
    assert_eq!(fs::read_to_string(home.ledger()).unwrap().lines().count(), 2);
}

#[tokio::test]
async fn a_damaged_ledger_is_not_served_and_the_line_is_named() {
    let home = Home::new();
    let sandbox = Process::start(&home);
    for _ in 0..3 {
        sandbox.authorise(Uuid::now_v7(), "tok_approve").send().await.unwrap().error_for_status().unwrap();
    }
    sandbox.kill();
    let text = fs::read_to_string(home.ledger()).unwrap();
    let damaged = text.replacen("\"seq\":2", "\"seq\":two", 1);
    fs::write(home.ledger(), &damaged).unwrap();
    let output = doomed(&home);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("line 2 of the ledger") && said.contains("ledger.ndjson"), "{said}");
    assert_eq!(fs::read_to_string(home.ledger()).unwrap(), damaged, "it is left as it is");
}

#[tokio::test]
async fn two_processes_never_write_one_ledger() {
    let home = Home::new();
    let first = Process::start(&home);
    let second = doomed(&home);
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains("another process has the ledger"), "{said}");
    first.authorise(Uuid::now_v7(), "tok_approve").send().await.unwrap().error_for_status().unwrap();
    first.kill();
    assert!(Process::start(&home).stop().success(), "the lock went with its owner");
}
