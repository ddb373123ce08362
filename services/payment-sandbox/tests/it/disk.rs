//! A disk that takes no more.

use http::StatusCode;
use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
use uuid::Uuid;

use crate::fixture::Home;
use crate::process::Process;

/// Answers that say no before this many have been given.
const PLENTY: usize = 100;

#[tokio::test]
async fn on_a_full_disk_nothing_is_booked_and_all_goes_on_once_there_is_room() {
    let home = Home::new();
    let sandbox = Process::start_with_little_disk(&home, 4);
    let mut booked = Vec::new();
    let refused = loop {
        let payment = Uuid::now_v7();
        let answer = sandbox.authorise(payment, "tok_approve").send().await.unwrap();
        if answer.status() != StatusCode::OK {
            break (payment, answer);
        }
        booked.push(payment);
        assert!(booked.len() < PLENTY, "4 KiB were full before");
    };
    let (payment, answer) = refused;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    sandbox.logged("nothing is booked");
    assert_eq!(sandbox.find(payment).await["status"], 404, "a problem, and no payment");
    assert_eq!(sandbox.find(booked[0]).await["status"], "AUTHORISED");
    assert_eq!(sandbox.authorise(booked[0], "tok_approve").send().await.unwrap().status(), StatusCode::OK);

    let none =
        Rlimit { current: getrlimit(Resource::Fsize).maximum, maximum: getrlimit(Resource::Fsize).maximum };
    prlimit(Some(sandbox.pid()), Resource::Fsize, none).unwrap();
    sandbox.authorise(payment, "tok_approve").send().await.unwrap().error_for_status().unwrap();
    assert!(sandbox.stop().success());
    let sandbox = Process::start(&home);
    for payment in booked.into_iter().chain([payment]) {
        assert_eq!(sandbox.find(payment).await["status"], "AUTHORISED");
    }
}
